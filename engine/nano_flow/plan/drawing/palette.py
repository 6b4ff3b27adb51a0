"""The colours and marks of statuses and kinds, one table for all drawings."""

from __future__ import annotations

FILL: dict[str, str] = {
    "": "#ffffff",
    "pending": "#ffffff",
    "succeeded": "#d9f2e0",
    "failed": "#fbd9d7",
    "skipped": "#ececec",
    "running": "#d8e8fb",
    "waiting": "#fdf0cc",
}
STROKE: dict[str, str] = {
    "": "#5b6573",
    "pending": "#5b6573",
    "succeeded": "#2b8a4b",
    "failed": "#c0392b",
    "skipped": "#9a9a9a",
    "running": "#2a6fc4",
    "waiting": "#b98900",
}
MARK: dict[str, str] = {
    "": "",
    "pending": "·",
    "succeeded": "✓",
    "failed": "✗",
    "skipped": "–",
    "running": "▸",
    "waiting": "?",
}

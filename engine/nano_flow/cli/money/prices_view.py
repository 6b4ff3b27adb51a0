"""Prices and their check, as tables for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from nano_flow.cli.output import style, table
from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.messages import Json
from nano_flow.operations.money.prices import (
    Checked,
    Difference,
    PriceEntry,
    PriceLine,
    PriceTable,
    Retiring,
    dollars,
    stated_prices,
)

_COLUMNS = ("input", "cached_input", "cache_write", "output")


def list_json(prices: PriceTable, shown: Sequence[PriceLine]) -> dict[str, Json]:
    """The fields of ``nano-flow/prices@1``."""
    return {
        "file": str(prices.file.path),
        "currency": "USD",
        "per_tokens": 1_000_000,
        "unknown": prices.source.document.unknown,
        "models": [_line_json(line) for line in shown],
    }


def _line_json(line: PriceLine) -> dict[str, Json]:
    entry = line.entry
    if entry is None:
        return {"model": line.name, "priced": False, "from": None, "prices": None, "in_force": False, "source": None}
    prices: dict[str, Json] = {**stated_prices(entry)}
    tiers: dict[str, Json] = {str(above): {**stated_prices(entry, above)} for above, _ in entry.standard.tiers[1:]}
    return {
        "model": line.name,
        "priced": True,
        "from": _day(entry),
        "prices": prices,
        "above": tiers,
        "in_force": line.in_force,
        "source": entry.source or None,
    }


def list_text(prices: PriceTable, shown: Sequence[PriceLine]) -> str:
    """A table, in dollars for a million tokens."""
    header = ("model", "from", *_COLUMNS, "also", "source")
    rows = [_row(line) for line in shown]
    where = style(f"US dollars for a million tokens, by {prices.file.path}", "dim")
    return f"{table(header, rows, right=_COLUMNS)}\n{where}"


def _row(line: PriceLine) -> tuple[str, ...]:
    entry = line.entry
    if entry is None:
        return (line.name, "", "", "", "", "", "unpriced", "")
    stated = stated_prices(entry)
    if entry.label.endswith("@free"):
        return (line.name, "", "", "", "", "", "free", "")
    also = [f"above {above:,}: {_pair(stated_prices(entry, above))}" for above, _ in entry.standard.tiers[1:]]
    also += ["batch"] if entry.batch else []
    also += [] if line.in_force else ["not in force"]
    return (line.name, _day(entry) or "ever", *(stated[kind] for kind in _COLUMNS), ", ".join(also), entry.source)


def _pair(prices: dict[str, str]) -> str:
    return f"{prices['input']}/{prices['output']}"


def _day(entry: PriceEntry) -> str | None:
    return datetime.fromtimestamp(entry.starts, UTC).date().isoformat() if entry.starts > float("-inf") else None


def check_json(
    found: Sequence[tuple[str, Sequence[Checked]]], odd: Sequence[Diagnostic] = (), ending: Sequence[Retiring] = ()
) -> dict[str, Json]:
    """The fields of ``nano-flow/prices-check@1``."""
    return {
        "sources": [{"source": name, "models": [_checked_json(c) for c in models]} for name, models in found],
        "warnings": [
            {"code": each.code, "message": each.message, "file": each.where.file, "line": each.where.line}
            for each in odd
        ],
        "retiring": [{"model": str(each.ref), "retires": each.day, "days": each.days} for each in ending],
    }


def _checked_json(checked: Checked) -> dict[str, Json]:
    return {
        "model": checked.name,
        "entry": checked.entry.label,
        "age_days": checked.age_days,
        "old": checked.old,
        "known": checked.published is not None,
        "retires": checked.published.retires if checked.published else None,
        "differences": [
            {
                "kind": difference.kind,
                "above": None if difference.above < 0 else difference.above,
                "ours": None if difference.ours is None else dollars(difference.ours),
                "theirs": dollars(difference.theirs),
            }
            for difference in checked.differences
        ],
    }


def check_text(found: Sequence[tuple[str, Sequence[Checked]]], ending: Sequence[Retiring] = ()) -> str:
    """Each source with what differs; then which entries are old, and which models are not served for much longer."""
    if not found:
        return "nothing to compare with: neither LiteLLM nor genai-prices is installed"
    parts = [_source_text(name, models) for name, models in found]
    confirmed = {c.name for _, models in found for c in models if c.published is not None}
    old = [f"{c.name} ({c.age_days} days)" for c in found[0][1] if c.old and c.name not in confirmed]
    if old:
        parts.append(style("old, and no source here confirms them:", "warn") + " " + ", ".join(old))
    if ending:
        said = ", ".join(f"{each.ref} ({each.day})" for each in ending)
        parts.append(style("retired, or within 60 days:", "warn") + " " + said)
    return "\n\n".join(parts)


def _source_text(name: str, models: Sequence[Checked]) -> str:
    known = [checked for checked in models if checked.published is not None]
    different = [checked for checked in known if checked.differences]
    head = f"{name}: {len(known)} of {len(models)} models are known there, {len(different)} differ"
    if not different:
        return style(head, "good")
    rows = [_difference_row(checked, difference) for checked in different for difference in checked.differences]
    return f"{style(head, 'warn')}\n{table(('model', 'kind', 'ours', 'theirs'), rows, right=('ours', 'theirs'))}"


def _difference_row(checked: Checked, difference: Difference) -> tuple[str, ...]:
    kind = difference.kind if difference.above < 0 else f"{difference.kind} above {difference.above:,}"
    ours = "not stated" if difference.ours is None else dollars(difference.ours)
    return (checked.name, kind, ours, dollars(difference.theirs))

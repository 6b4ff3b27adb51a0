"""What a document says without meaning it: a text that lost its end to a comment, a word that reads otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.gate.explain import address
from nano_flow.source.source_map import Path, SourceDocument

TEMPLATE_KEYS = frozenset({"prompt", "system", "judge", "message", "finish", "fail", "stdin", "question"})
MAX_WARNINGS = 50
_COMMENT = re.compile(r"(?<=\S)[ \t]+#[^\r\n]*")


def cut_by_comments(source: SourceDocument) -> list[Diagnostic]:
    """A warning for each unquoted text in a template field that a comment follows: ``prompt: Fix issue #12``."""
    comments = {match.start(): match for match in _COMMENT.finditer(source.text)}
    if not comments:
        return []
    warnings = []
    for path, node in _template_texts(source.data, source):
        start, end = source.positions.starts[node], source.positions.ends[node]
        comment = comments.get(end)
        if comment is None or source.text[start : start + 1] in ('"', "'", "|", ">"):
            continue
        where = source.lines.range(comment.end() - len(comment[0].lstrip()), comment.end())
        message = f'the text of "{path[-1]}" ends here: the rest of the line is a comment'
        hint = "quote the text, or use a block text (|), if it belongs to it"
        warnings.append(Diagnostic("warning", "NF117", message, where, address(path), hint))
        if len(warnings) == MAX_WARNINGS:
            break
    return warnings


def _template_texts(root: Any, source: SourceDocument) -> Iterator[tuple[Path, int]]:
    """Path and node of every text under a key that holds templates."""
    waiting: list[tuple[Path, Any, int]] = [((), root, 0)]
    while waiting:
        path, data, node = waiting.pop()
        if node in source.positions.aliases:
            continue
        for key, (_, child) in source.positions.children(node, data).items():
            value = data[key]
            if isinstance(value, dict | list):
                waiting.append(((*path, key), value, child))
            elif key in TEMPLATE_KEYS and isinstance(value, str):
                yield (*path, key), child

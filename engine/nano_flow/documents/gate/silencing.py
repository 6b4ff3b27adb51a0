"""``# nano-flow: ignore NF327``: warnings that the author has seen and means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from nano_flow.core.diagnostics import Diagnostic

_IGNORE = re.compile(r"#\s*nano-flow:\s*ignore\s+(NF[0-9]{3}(?:[\s,]+NF[0-9]{3})*)")
_BLOCK = re.compile(r"(?:^|[:\s-])[|>][-+0-9]*\s*$")


def unsilenced(found: Iterable[Diagnostic], texts: Mapping[str, str]) -> list[Diagnostic]:
    """``found`` without the warnings that a comment silences at their line; errors stay.

    ``texts`` are the files by the names that diagnostics show. A comment on a line of its own speaks of the line
    below, one behind ``prompt: |`` of all the lines of that text.
    """
    quiet = {file: _silenced(text) for file, text in texts.items() if "nano-flow:" in text}
    if not quiet:
        return list(found)
    return [
        each
        for each in found
        if each.severity == "error" or each.code not in quiet.get(each.where.file, {}).get(each.where.line, ())
    ]


def _silenced(text: str) -> dict[int, set[str]]:
    """Line, from 1 → the codes that are silenced there."""
    lines = text.splitlines()
    silenced: dict[int, set[str]] = {}
    for number, line in enumerate(lines, 1):
        match = _IGNORE.search(line)
        if match is None:
            continue
        codes = set(re.findall(r"NF[0-9]{3}", match[1]))
        before = line[: match.start()].rstrip()
        covered = [number, number + 1] if not before else [number]
        if _BLOCK.search(before):
            covered += _block(lines, number)
        for covered_line in covered:
            silenced.setdefault(covered_line, set()).update(codes)
    return silenced


def _block(lines: list[str], header: int) -> list[int]:
    """The lines of the block text whose header is line ``header``: the ones below that stand further in."""
    indent = _indent(lines[header - 1])
    covered = []
    for number, line in enumerate(lines[header:], header + 1):
        if line.strip() and _indent(line) <= indent:
            break
        covered.append(number)
    return covered


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))

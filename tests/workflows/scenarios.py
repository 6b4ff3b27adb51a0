"""Scenarios: a workflow, its cases and its other files in one text, run as ``nano-flow test`` would."""

from __future__ import annotations

import re
from pathlib import Path

from nano_flow.core.errors import DocumentError
from nano_flow.testing.cases import run_tests

_PART = re.compile(r"^=== (\S+)\n", re.MULTILINE)


def parts(text: str) -> dict[str, str]:
    """``=== name`` lines begin a file; what stands before the first is ``workflow.yaml`` without its head."""
    pieces = _PART.split(text)
    found = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    head = pieces[0] if "nano_flow:" in pieces[0] else f"nano_flow: 1\nname: scenario\n{pieces[0]}"
    return {"workflow.yaml": head, **found}


def problems(text: str, folder: Path) -> list[str]:
    """What is wrong with the cases of a scenario; warnings count."""
    for name, content in parts(text).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == "test.yaml":
            head = "" if "nano_flow:" in content else "nano_flow: 1\nworkflow: workflow.yaml\n"
            content = head + content
        elif "nano_flow:" not in content and name.endswith(".yaml"):
            content = f"nano_flow: 1\nname: {path.stem}\n{content}"
        path.write_text(content, encoding="utf-8")
    try:
        results = list(run_tests(folder / "test.yaml"))
    except DocumentError as error:
        return [f"{d} {d.hint}" for d in error.diagnostics]
    assert results
    return [f"{result.name}: {text}" for result in results for text in (*result.problems, *result.warnings)]

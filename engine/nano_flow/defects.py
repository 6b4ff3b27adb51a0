"""Defects of nano-flow itself: the report of one, without the values of secrets, and the sentence that names it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nano_flow.core.redact import Redactor

_INPUT = re.compile(r"-i.|--input=")
_INPUT_VALUE = re.compile(r"^((?:--input=)?[^=]*)=[\s\S]*")
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH")


Clean = Callable[[str], str]
"""Takes secret values out of a text."""


def sentence(error: BaseException, report: Path | None) -> str:
    """What a person is told of ``error``."""
    where = f'the report is "{report}"' if report else "no report could be written to the state folder"
    return f"this is a defect of nano-flow ({type(error).__name__}), not of your documents; {where}"


def told_in_a_run(folder: Path, clean: Clean | None) -> Callable[[Exception, str], str]:
    """Reports the defects of one run under ``folder``: (error, address) → the sentence for the failure.

    One report is written for each place in the program: a fan-out may hit the same defect ten thousand times.
    """
    known: dict[str, Path | None] = {}

    def tell(error: Exception, address: str) -> str:
        place = "|".join(str(part) for part in traceback.extract_tb(error.__traceback__)[-1:])
        if place not in known:
            known[place] = write_report(error, [f"(in a run, at {address or 'its end'})"], folder, clean)
        return sentence(error, known[place])

    return tell


def write_report(
    error: BaseException, arguments: Sequence[str], folder: Path, clean: Clean | None = None
) -> Path | None:
    """Write what is needed to mend ``error`` under ``folder``; None where nothing can be written there."""
    from nano_flow import __version__

    text = "\n".join(
        [
            f"nano-flow {__version__}, Python {sys.version.split()[0]}, {sys.platform}",
            f"arguments: {' '.join(without_inputs(arguments))}",
            "",
            *traceback.format_exception(error),
        ]
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="defect-", suffix=".txt", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(without_secrets(clean(text) if clean else text, os.environ))
    except OSError:
        return None
    return Path(name)


def without_inputs(arguments: Sequence[str]) -> list[str]:
    """The arguments; of inputs only their names, for their values may be secret."""
    before = ["", *arguments]
    return [
        _INPUT_VALUE.sub(r"\1=***", argument) if previous in ("-i", "--input") or _INPUT.match(argument) else argument
        for previous, argument in zip(before, arguments, strict=False)
    ]


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """``text`` without the values of variables whose names sound secret, however they are encoded."""
    values = [value for name, value in environment.items() if any(word in name.upper() for word in _SECRET_NAMES)]
    return Redactor(values).text(text)

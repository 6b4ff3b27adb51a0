"""The report of a defect of nano-flow itself, without the values of secrets."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from nano_flow.core.redact import Redactor

_INPUT = re.compile(r"-i.|--input=")
_INPUT_VALUE = re.compile(r"^((?:--input=)?[^=]*)=[\s\S]*")
_SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH")


def write_report(error: BaseException, arguments: Sequence[str], folder: Path) -> Path | None:
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
            file.write(without_secrets(text, os.environ))
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

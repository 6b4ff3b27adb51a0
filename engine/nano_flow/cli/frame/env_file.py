"""Reading ``--env-file``: one ``NAME=value`` a line, quotes and ``export`` allowed, nothing expanded."""

from __future__ import annotations

import re
from pathlib import Path

from nano_flow.core.errors import UsageError

_LINE = re.compile(r"^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$")


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of ``path``; UsageError names the line that cannot be read, never its value."""
    from nano_flow.operations.project.texts import read_text

    try:
        text = read_text(str(path)).removeprefix("\ufeff")
    except OSError as error:
        raise UsageError(f'"{path}" cannot be read: {error.strerror or error}') from error
    variables = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.match(stripped)
        if match is None:
            raise UsageError(f"{path}:{number}: expected NAME=value")
        variables[match[1]] = _unquoted(match[2])
    return variables


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"') and value.find(value[0], 1) > 0:
        return value[1 : value.index(value[0], 1)]
    return re.split(r"\s+#", value, maxsplit=1)[0].strip()

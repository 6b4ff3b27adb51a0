"""Variables of the environment in the settings of a provider: ``${VAR}`` and ``${VAR:-default}``."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def expand(text: str, environ: Mapping[str, str]) -> str:
    """``text`` with its variables; one that is unset or empty gives its default, or nothing."""
    return _VARIABLE.sub(lambda match: environ.get(match[1]) or match[2] or "", text)


def variables_in(text: str) -> list[str]:
    """The names of the variables in ``text``."""
    return [match[1] for match in _VARIABLE.finditer(text)]


def first_complete(ways: tuple[tuple[str, ...], ...], environ: Mapping[str, str]) -> int | None:
    """Which set of variables is the first that is complete; None where no set is."""
    return next((place for place, way in enumerate(ways) if all(environ.get(name) for name in way)), None)

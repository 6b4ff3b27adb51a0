"""Which variables of the environment hold secrets: those that somebody uses as one, and those whose names say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from nano_flow.core.secrets.forms import SHORTEST
from nano_flow.core.secrets.masks import Lookup

_SAYS_SO = re.compile(
    r"(^|_)(api_?key|key|token|secret|password|passwd|passphrase|pwd|pat|credentials?|access_?key|private_?key|auth)(_|$)",
    re.IGNORECASE,
)
_NAMES_SOMETHING = re.compile(
    r"(^|_)(profile|region|location|project|project_id|endpoint|url|base|host|version|file|path|dir|sock|name|user|"
    r"config|type|id|ttl|timeout|expires|count|limit)$",
    re.IGNORECASE,
)
"""What ends the name of a setting that leads to a secret and is none."""
_LEADS_SOMEWHERE = re.compile(r"^(~|\.{0,2}/|[A-Za-z]:\\|file:)")
_A_WORD = re.compile(r"[a-z]+(?:[-_.][a-z]+)*|[0-9.]+|[A-Z_]+", re.ASCII)


def sounds_secret(name: str) -> bool:
    """Whether a variable called ``name`` holds a secret by its name."""
    return _SAYS_SO.search(name) is not None and _NAMES_SOMETHING.search(name) is None


def environment_secrets(environ: Mapping[str, str], used: Iterable[str] = ()) -> dict[str, str]:
    """``env:NAME`` → value: the variables that are ``used`` as secrets, and those that sound like one.

    A value that is a path, a plain word or short is none: it would be found in innocent texts.
    """
    certain = set(used)
    return {
        f"env:{name}": value
        for name, value in environ.items()
        if len(value.strip()) >= SHORTEST and (name in certain or (sounds_secret(name) and not _innocent(value)))
    }


def in_force(environ: Mapping[str, str], of_input: Callable[[str], str | None]) -> Lookup:
    """Finds ``env:NAME`` in the environment, and ``input:NAME`` through ``of_input``, which is given the name alone."""

    def lookup(name: str) -> str | None:
        source, _, rest = name.partition(":")
        return environ.get(rest) if source == "env" else of_input(rest)

    return lookup


def _innocent(value: str) -> bool:
    return _LEADS_SOMEWHERE.match(value) is not None or _A_WORD.fullmatch(value) is not None

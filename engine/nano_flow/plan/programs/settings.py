"""Settings on a command line (``git -c NAME=VALUE``): some of them hold a command that the program starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from nano_flow.plan.programs.wrappers import program_name, programs, wrapped

_GIT = re.compile(
    r"alias\..*|core\.(?:pager|editor|sshcommand|fsmonitor|hookspath|gitproxy|askpass|attributesfile|alternaterefscommand)"
    r"|.*\.(?:textconv|cmd|path|command|driver|clean|smudge|process|program|helper|external|uploadpack|receivepack|vcs)"
    r"|(?:sequence\.editor|pager\..*|include.*|interactive\.difffilter|protocol\..*|trailer\..*|url\..*|http\..*proxy)",
    re.IGNORECASE | re.DOTALL,
)
_SSH = re.compile(r"(?:proxy|local|knownhosts|remote)command|pkcs11provider|securitykeyprovider|include", re.IGNORECASE)
_NEVER = re.compile(r"(?!)")
_SETTINGS: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "git": ("-c", _GIT),
    **dict.fromkeys(("ssh", "scp", "sftp", "autossh"), ("-o", _SSH)),
}
"""Program → the option before a setting, and the names of those that hold a command."""
_MAKE = re.compile(r"(?:SHELL|MAKEFLAGS|\.SHELLFLAGS)", re.IGNORECASE)
_MAKES = frozenset({"make", "gmake"})
_ASSIGNING = _MAKES | {"dd"}
"""Programs that read each operand ``NAME=VALUE`` as a setting."""
_ASSIGNMENT = re.compile(r"[A-Za-z_.][A-Za-z0-9_.]*[:+?!]{0,3}=")
_TAG = re.compile(r"\{[{%#]")


def settings_of_code(argv: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Positions of settings whose value a program runs, or whose name a template chooses; and the program."""
    for start, word in enumerate(argv):
        name = program_name(word)
        option, names = _SETTINGS.get(name, ("", _NEVER))
        for position in _options(argv, start, option) if option else ():
            setting = _setting(argv, position, option)
            if setting is not None and _is_code(setting, names):
                yield position, f"{name} {option}"
        for position in range(start + 1, len(argv)) if name in _MAKES else ():
            left, sign, _ = argv[position].partition("=")
            if sign and _MAKE.fullmatch(left.rstrip(":+?!")):
                yield position, f"{name} {left}="


def assigned_by_value(written: Sequence[str], argv: Sequence[str]) -> int | None:
    """The position of a word that a value made ``NAME=VALUE``, where the program reads that as a setting.

    ``env`` and the like read it before the program that they start, ``make`` and ``dd`` anywhere.
    """
    last, variables = max(programs(argv)), wrapped(argv)
    for position, word in enumerate(argv):
        if word == written[position] or not _ASSIGNMENT.match(word):
            continue
        named = written[position].partition("=")
        if named[1] and not _TAG.search(named[0]):
            continue  # "NAME={{ x }}": the setting was written, the value belongs to it
        if position in variables or (position > last and program_name(argv[last]) in _ASSIGNING):
            return position
    return None


def _options(argv: Sequence[str], start: int, option: str) -> Iterator[int]:
    """The positions before the first operand of the program at ``start``, as far as that is known."""
    for position in range(start + 1, len(argv)):
        before = argv[position - 1] if position > start + 1 else ""
        if not argv[position].startswith("-") and before not in (option, "-C") and option != "-o":
            return
        yield position


def _setting(argv: Sequence[str], position: int, option: str) -> str | None:
    """The setting at ``position``, behind the option or joined to it; None where there is none."""
    word = argv[position]
    if argv[position - 1] == option:
        return word
    return word[len(option) :] if word.startswith(option) and len(word) > len(option) and option == "-o" else None


def _is_code(setting: str, names: re.Pattern[str]) -> bool:
    name = re.split(r"[=\s]", setting, maxsplit=1)[0]
    return _TAG.search(name) is not None or names.fullmatch(name) is not None

"""Which variable plays which part in the credentials of a provider: as the document says, or certain from its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nano_flow.documents.providers import CredentialsDocument

SECRETS = ("api_key", "token", "access_key", "service_account", "profile")
"""Parts of which one makes a way complete."""
Roles = Mapping[str, str]
"""Part → variable."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Sets of variables, any of which suffices, and their parts; ``platform``: the chain of the platform itself."""

    names: tuple[tuple[str, ...], ...] = ()
    roles: tuple[Roles, ...] = ()
    platform: bool = False


@dataclass(frozen=True, slots=True)
class _Service:
    """Parts by what ends a variable's name; ``rest`` is the part of a single one whose name says nothing."""

    parts: tuple[tuple[str, re.Pattern[str]], ...]
    rest: str = "api_key"
    taken: tuple[str, ...] = ("api_key", "token", "endpoint")
    chain: str = ""


def _ends(*parts: tuple[str, str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((role, re.compile(f"(?:{pattern})$", re.IGNORECASE)) for role, pattern in parts)


_ADDRESS = ("endpoint", r"(^|_)(ENDPOINT|URL|API_BASE|BASE_?URL|HOST)")
_AWS = _Service(
    _ends(
        ("secret_key", r"SECRET(_ACCESS)?_KEY"),
        ("access_key", r"ACCESS_KEY(_ID)?"),
        ("session_token", r"SESSION_TOKEN"),
        ("token", r"BEARER_TOKEN(_\w+)?|API_KEY"),
        ("profile", r"PROFILE"),
        _ADDRESS,
    ),
    rest="",
    taken=("access_key", "secret_key", "session_token", "token", "api_key", "profile", "endpoint"),
    chain="AWS",
)
_GOOGLE = _Service(
    _ends(
        ("service_account", r"APPLICATION_CREDENTIALS|SERVICE_ACCOUNT(_FILE|_JSON|_KEY)?"),
        ("project", r"PROJECT(_ID)?"),
        ("token", r"ACCESS_TOKEN|BEARER_TOKEN"),
        ("api_key", r"API_KEY"),
        _ADDRESS,
    ),
    rest="",
    taken=("service_account", "project", "token", "api_key", "endpoint"),
    chain="Google",
)
_AZURE = _Service(_ends(_ADDRESS, ("token", r"(AD|ENTRA|BEARER|ACCESS)_TOKEN")), chain="Azure")
_USUAL = _Service(_ends(_ADDRESS), taken=("api_key", "token", "endpoint", "project"))
_SERVICES: Mapping[str, _Service] = {
    **dict.fromkeys(("bedrock", "bedrock_converse", "sagemaker", "sagemaker_chat"), _AWS),
    **dict.fromkeys(("vertex_ai", "vertex_ai_beta", "vertex"), _GOOGLE),
    "azure": _AZURE,
}


Written = str | CredentialsDocument | Sequence[object] | None
"""Credentials as a document has them."""
Fault = tuple[str, str]
"""What is wrong, and what to write instead."""


def read_ways(written: Written, service: str | None) -> tuple[Ways, list[Fault]]:
    """The ways to ``service``, and what is wrong with them; an adapter of its own (None) knows its variables itself."""
    if not written:
        return Ways(), []
    if written == "default":
        return Ways(platform=True), [] if chain_of(service or "") else [_no_chain(service)]
    entries = list(written) if isinstance(written, list | tuple) else [written]
    long = [entry.model_dump(exclude_none=True) for entry in entries if isinstance(entry, CredentialsDocument)]
    ways: list[tuple[tuple[str, ...], Roles | None]] = [(tuple(way.values()), way) for way in long]
    if not long:
        ways = [(way, parts_of(service, way) if service else {}) for way in _short(entries)]
    faults = [fault for names, parts in ways if service and (fault := _fault(service, names, parts))]
    return Ways(tuple(names for names, _ in ways), tuple(parts or {} for _, parts in ways)), faults


def _short(entries: Sequence[object]) -> list[tuple[str, ...]]:
    """A list of variables is one way; a list of lists is several."""
    several = [tuple(map(str, entry)) for entry in entries if isinstance(entry, list)]
    return several or [tuple(map(str, entries))]


def _no_chain(service: str | None) -> Fault:
    return f'"{service or "this adapter"}" has no chain of credentials of its own', "name the variable: [VARIABLE]"


def _fault(service: str, names: Sequence[str], parts: Roles | None) -> Fault | None:
    said = f"what each of {', '.join(names)} is for is not certain" if parts is None else fault_of(service, parts)
    return (said, long_form(service, names)) if said else None


def chain_of(service: str) -> str:
    """The platform whose own chain of credentials ``service`` may use; empty where it has none."""
    return _SERVICES.get(service, _USUAL).chain


def parts_of(service: str, names: Sequence[str]) -> Roles | None:
    """Part → variable for a short form; None where the part of a variable is not certain."""
    kind = _SERVICES.get(service, _USUAL)
    parts: dict[str, str] = {}
    rest: list[str] = []
    for name in names:
        role = next((role for role, ending in kind.parts if ending.search(name)), None)
        if role is None:
            rest.append(name)
        elif role in parts:
            return None
        else:
            parts[role] = name
    if len(rest) > 1 or (rest and (not kind.rest or kind.rest in parts)):
        return None
    return parts | dict.fromkeys([kind.rest] if rest else [], "".join(rest))


def fault_of(service: str, roles: Iterable[str]) -> str:
    """Why these parts make no way to ``service``, in words; empty where they do."""
    given = list(roles)
    taken = _SERVICES.get(service, _USUAL).taken
    strange = [role for role in given if role not in taken]
    if strange:
        return f'"{service}" takes no {strange[0]}: it takes {", ".join(taken)}'
    if ("access_key" in given) != ("secret_key" in given):
        return "an access_key and a secret_key go together"
    secrets = [role for role in given if role in SECRETS]
    if not secrets:
        return "none of these is a key"
    if len(secrets) > 1:
        return f"{' and '.join(secrets)} are two ways: each is an entry of a list of its own"
    return ""


def long_form(service: str, names: Sequence[str]) -> str:
    """How credentials say which variable is what, for these ``names``."""
    kind = _SERVICES.get(service, _USUAL)
    known = {role: name for role, ending in kind.parts for name in names if ending.search(name)}
    if not any(role in SECRETS for role in known):
        rest = next((name for name in names if name not in known.values()), "VARIABLE")
        known = {next(role for role in kind.taken if role in SECRETS): rest, **known}
    said = ", ".join(f"{role}: {name}" for role, name in known.items())
    return f"say which is what: credentials: {{{said}}}; parts are {', '.join(kind.taken)}"

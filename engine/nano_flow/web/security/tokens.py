"""Tokens and the roles that they carry."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from nano_flow.core.errors import UsageError

_SHORTEST = 20


class Role(IntEnum):
    """What a token allows; each role may do what the ones before it may."""

    read = 1
    answer = 2
    run = 3
    admin = 4


@dataclass(frozen=True, slots=True)
class Token:
    """One token; ``name`` is how its holder appears in what it decided."""

    secret: str
    role: Role
    name: str = "web"


class Tokens:
    """The tokens of a server; looked up in a time that says nothing of how much of a guess was right."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple(tokens)

    def holder(self, secret: str) -> Token | None:
        """The token that ``secret`` is; None where it is none of ours."""
        given = secret.encode("utf-8", "surrogatepass")
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.secret.encode(), given):
                found = token
        return found


def fresh_token(role: Role) -> Token:
    """A token that nobody has seen yet."""
    return Token(secrets.token_urlsafe(24), role)


def highest_role(names: Sequence[str]) -> Role:
    """The highest of the roles ``names``; ``read`` where there is none. Raises UsageError."""
    unknown = [name for name in names if name not in Role.__members__]
    if unknown:
        raise UsageError(f'"{unknown[0]}" is no role: expected {", ".join(Role.__members__)}')
    return max((Role[name] for name in names), default=Role.read)


def read_token_file(path: Path) -> Tokens:
    """The tokens of a file with a line ``ROLE TOKEN [NAME]`` for each. Raises UsageError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        readable_by_others = path.stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f'"{path}" cannot be read: {getattr(error, "strerror", None) or "it is not UTF-8"}') from None
    if readable_by_others:
        raise UsageError(f'"{path}" holds secrets and others may read it; "chmod 600 {path}"')
    tokens = [_token(line.split(), path, number) for number, line in enumerate(lines, 1) if _says_something(line)]
    if not tokens:
        raise UsageError(f'"{path}" holds no token: expected lines "ROLE TOKEN [NAME]"')
    return Tokens(tokens)


def form_token(secret: str, action: str) -> str:
    """What a form to ``action`` of the holder of ``secret`` carries: nobody who lacks the secret can make it."""
    return hmac.new(secret.encode(), f"form {action}".encode(), hashlib.sha256).hexdigest()


def is_form_token(secret: str, action: str, given: str) -> bool:
    """True where ``given`` is the token of that form."""
    return hmac.compare_digest(form_token(secret, action).encode(), given.encode("utf-8", "surrogatepass"))


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _token(words: Sequence[str], path: Path, number: int) -> Token:
    if len(words) not in (2, 3) or words[0] not in Role.__members__:
        roles = ", ".join(Role.__members__)
        raise UsageError(f'{path}:{number}: expected "ROLE TOKEN [NAME]", the role one of {roles}')
    if len(words[1]) < _SHORTEST:
        raise UsageError(f"{path}:{number}: a token needs {_SHORTEST} characters or more")
    return Token(words[1], Role[words[0]], words[2] if len(words) == 3 else words[0])

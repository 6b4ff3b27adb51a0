"""What may be sent as a credential: what was declared, whatever a library finds in the environment."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from nano_flow.core.errors import BadCredentials

_CARRIES = re.compile(r"auth|key|token|secret|cookie|credential", re.IGNORECASE)
"""Names of headers and parameters in which credentials travel."""
_SHORTEST = 8
"""Characters of a value below which it is found in innocent text."""


@dataclass(frozen=True, slots=True)
class Declared:
    """The declared ``values`` of ``provider``; ``undeclared`` are the other variables of the environment.

    ``signed_by`` is the id of a key that must have signed where a request is signed.
    """

    provider: str
    values: Collection[str] = ()
    undeclared: Mapping[str, str] | None = None
    signed_by: str = ""

    @classmethod
    def of(cls, provider: str, parts: Mapping[str, str], environ: Mapping[str, str], *, platform: bool) -> Declared:
        """For a provider whose credentials play these ``parts``; the chain of a platform may send what it finds."""
        values = frozenset(parts.values())
        other = {name: value for name, value in environ.items() if len(value) >= _SHORTEST and value not in values}
        return cls(provider, values, None if platform or "profile" in parts else other, parts.get("access_key", ""))

    def check(self, headers: MutableMapping[str, str], query: str) -> None:
        """Raise where ``headers`` or the ``query`` of an address carry a credential that nobody declared.

        To a server for which none is declared the request goes without.
        """
        for name in [name for name in headers if _CARRIES.search(name)]:
            found = self._foreign(headers[name])
            if found and not self.values:
                del headers[name]
            elif found:
                raise self._refused(found)
        for name, value in parse_qsl(query):
            found = self._foreign(value) if _CARRIES.search(name) else ""
            if found:
                raise self._refused(found)

    def _foreign(self, text: str) -> str:
        """What is in ``text`` and was not declared: a variable's name, or a key's in words."""
        if self.signed_by and "Credential=" in text and f"Credential={self.signed_by}/" not in text:
            return "another key of AWS"
        for value in sorted(self.values, key=len, reverse=True):
            text = text.replace(value, "")
        return next((name for name, value in (self.undeclared or {}).items() if value in text), "")

    def _refused(self, found: str) -> BadCredentials:
        return BadCredentials(
            f'the call would carry {found}, which the credentials of "{self.provider}" in providers.yaml do not name; '
            f"nothing was sent"
        )

"""What may be sent as a credential: what was declared, whatever a library finds in the environment."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from nano_flow.core.errors import BadCredentials
from nano_flow.providers.cards import Endpoint

_CARRIES = re.compile(r"auth|key|token|secret|cookie|credential", re.IGNORECASE)
"""Names of headers and parameters in which credentials travel."""
_PROTOCOL = ("accept", "content-", "host", "user-agent", "connection", "transfer-", "x-amz-", "date")
"""Names, or their beginnings, of headers that say nothing of whose call it is, or that a signature covers."""
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
    keyless: bool = True
    """No credential is declared, whatever headers are."""

    @classmethod
    def of(cls, endpoint: Endpoint, environ: Mapping[str, str]) -> Declared:
        """What a provider declares: credentials and headers. The chain of a platform may send what it finds."""
        provider, parts, platform = endpoint.name, endpoint.parts, endpoint.platform
        said = (*parts.values(), *endpoint.headers.values(), *endpoint.settings.values())
        values = frozenset(value for value in said if value)
        headers = "\0".join(endpoint.headers.values())  # a header may hold a variable among other text
        long = {name: value for name, value in environ.items() if len(value) >= _SHORTEST}
        other = {name: value for name, value in long.items() if value not in values and value not in headers}
        undeclared = None if platform or "profile" in parts else other
        return cls(provider, values, undeclared, parts.get("access_key", ""), keyless=not parts)

    def check(self, headers: MutableMapping[str, str], query: str) -> None:
        """Raise where ``headers`` or the ``query`` of an address carry a credential that nobody declared.

        To a server for which none is declared the request goes without. Other headers that a library filled from the
        environment (an organization, a project, a site) are taken off.
        """
        self._take_off(headers)
        for name in [name for name in headers if _CARRIES.search(name)]:
            found = self._foreign(headers[name])
            if found and self.keyless:
                del headers[name]
            elif found:
                raise self._refused(found)
        for name, value in parse_qsl(query):
            found = self._foreign(value) if _CARRIES.search(name) else ""
            if found:
                raise self._refused(found)

    def _take_off(self, headers: MutableMapping[str, str]) -> None:
        found = frozenset((self.undeclared or {}).values())
        for name in [name for name in headers if not _CARRIES.search(name)]:
            if headers[name].strip() in found and not name.lower().startswith(_PROTOCOL):
                del headers[name]

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

"""Plain data as texts that hold no secret, and back where the secrets are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nano_flow.core.errors import StepError, UsageError
from nano_flow.core.messages import Json
from nano_flow.core.redact import Redactor
from nano_flow.core.secrets.masks import Lookup
from nano_flow.stores.codec import decode_json, encode_json, sealed, unsealed

Seal = Callable[[Mapping[str, object]], str]
Unseal = Callable[[str], Mapping[str, Json]]


def seals(secrets: Redactor, lookup: Lookup) -> tuple[Seal, Unseal]:
    """How a process writes what others read, and reads what they wrote.

    Writing raises StepError (``secret``) where the value of a secret input stands in it: nobody else may have that.
    Reading raises StepError where a variable is not set here that is set there, ValueError for damaged data.
    """

    def seal(data: Mapping[str, object]) -> str:
        cleaned, masks = secrets.sealed(dict(data))
        given = next((mask.name.partition(":")[2] for mask in masks if mask.name.startswith("input:")), None)
        if given is not None:
            raise StepError(
                "secret",
                f'what it quotes holds the secret input "{given}", which is never written to the store, so no worker '
                'can have it: let the worker take it from its environment (env:), or do the step without "runs_on"',
            )
        return encode_json(sealed(cleaned, masks), "a placed step", "")

    def unseal(text: str) -> Mapping[str, Json]:
        data = decode_json(text)
        if not isinstance(data, dict):
            raise ValueError("what was written of a placed step is damaged")
        try:
            return unsealed(data, lookup)
        except UsageError as error:
            raise StepError("secret", str(error)) from None

    return seal, unseal

"""What a server, or the way to it, says when a call fails, for the one table of errors."""

from __future__ import annotations

from nano_flow.core.errors import ConnectionLost, ProviderError
from nano_flow.providers.direct.dialect import Told
from nano_flow.providers.errors import translate
from nano_flow.providers.transport.exchange import Exchange, before_answer
from nano_flow.providers.vendor import VendorError, describe, read_error
from nano_flow.providers.wire.call import Call


def refused(exchange: Exchange) -> VendorError:
    """A reply with a status that is none of success, where its body says nothing that could be read."""
    return VendorError(frozenset(), exchange.status, exchange.text or "nothing was said", exchange.headers)


def broken(error: Exception, call: Call, now: float) -> ProviderError:
    """Our error for whatever ended a call: an error told inside of a reply, a connection, a piece that is no JSON."""
    if isinstance(error, Told):
        said = read_error(error.error)
        failed = translate(VendorError(frozenset(), said.status, said.message, {}, code=said.code), now)
        failed.maybe_billed = True
        return failed
    if call.exchange.status is None:
        return before_answer(error) or translate(describe(error), now)
    return translate(describe(error), now)


def late(error: TimeoutError, otherwise: ProviderError) -> ProviderError:
    """A connection that was never made cost nothing; ``otherwise`` is what the time of the whole call comes to."""
    if "onnection timeout" in str(error):
        return ConnectionLost(str(error))
    return otherwise

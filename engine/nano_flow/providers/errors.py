"""What a vendor's exception means to us: one table of class, status and message, read from top to bottom.

Classes alone are not reliable: a 500 comes as three different classes, a malformed reply as a bad request, a prompt
that is too long as one too. The first row whose every part fits decides. Every row has a test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from nano_flow.core.errors import (
    BadCredentials,
    BadRequest,
    ConnectionLost,
    ContentRefused,
    ContextTooLong,
    ModelUnknown,
    Overloaded,
    ProviderError,
    QuotaUsed,
    RateLimited,
    ServerFailed,
    TimedOut,
)
from nano_flow.providers.vendor import VendorError, retry_after, said_to_retry_after, tidy


@dataclass(frozen=True, slots=True)
class Row:
    """One meaning. Empty ``classes`` or ``statuses`` fit all; ``pattern`` is searched in the message, in any case.

    ``deep`` patterns are also searched in what the exception was raised from; ``raised`` rows are for what a library
    made of a reply, and not for a server's own words.
    """

    error: type[ProviderError]
    classes: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    pattern: re.Pattern[str] | None = None
    maybe_billed: bool = False
    deep: bool = False
    raised: bool = False


def _row(
    error: type[ProviderError], classes: str = "", statuses: str = "", pattern: str = "", *, maybe_billed: bool = False
) -> Row:
    return Row(
        error,
        frozenset(classes.split()),
        frozenset(status for written in statuses.split() for status in _statuses(written)),
        re.compile(pattern, re.IGNORECASE) if pattern else None,
        maybe_billed,
    )


def _statuses(written: str) -> Iterable[int]:
    """``429``, or ``4xx``: HTTP says that an unknown status means what the first of its hundred does."""
    if written.endswith("xx"):
        return range(int(written[0]) * 100, int(written[0]) * 100 + 100)
    return (int(written),)


_TOO_LONG = (
    r"context.{0,3}(length|window|size)|maximum context|prompt is too long|input is too long|"
    r"too many (input )?tokens|"
    r"(input|prompt) token count.{0,40}exceed|exceeds? (the )?(maximum|max|available) (number of )?(input |"
    r"context )?tokens|"
    r"request too large|reduce the length|inputs? tokens \+|must have less than \d+ tokens"
)
_FILTERED = (
    r"content.?filter|content management policy|responsible ?ai|content policy|safety (system|settings|reasons?)|"
    r"usage polic|guardrail|prohibited.?content|blocked by .{0,30}polic"
)
_BAD_KEY = (
    r"(invalid|incorrect|missing|no|bad).{0,20}(api|x-api|access).?.?key|api.?key.{0,30}(invalid|not valid|"
    r"expired|missing)|"
    r"api_key client option must be set|api_key_invalid|unable to locate credentials|could not resolve auth|"
    r"default credentials|invalid.{0,12}(security )?token|security token.{0,20}(invalid|expired)|unrecognizedclient|"
    r"unauthori[sz]ed|authentication|permission.?denied|not authori[sz]ed|access ?denied|invalid.?signature|"
    r"no module named 'google|google-auth"
)
_NO_FUNDS = (
    r"insufficient.{0,6}quota|credit (balance|limit)|payment required|insufficient.?(funds|balance|credit)|"
    r"(not enough|out of|no) (credit|funds)|billing.?(hard.?limit|not.?active|disabled)|"
    r"account.{0,12}(arrears|overdue)|arrearage|spend(ing)?.?(limit|cap)|usage.?limit.?(has been )?reached|"
    r"(monthly|daily|weekly).{0,24}(limit|quota)|quota.{0,12}(exhausted|used up)"
)
_NO_MODEL = (
    r"model.{0,80}(not found|does(n't| not) exist|not supported|is not available|unknown|invalid|no longer)|"
    r"unknown model|"
    r"(invalid|unsupported).{0,12}model|deploymentnotfound|deployment.{0,60}does not exist|model.?not.?found|"
    r"try pulling it"
)
_UNREADABLE = (
    r"expecting value|jsondecode|unterminated string|expecting .{0,20}delimiter|extra data: line|"
    r"invalid json response|"
    r"unable to (get|parse) json|received[=:]|valid response|argument after|error processing|error parsing|"
    r"failed to (parse|decode)|unexpected keyword argument|"
    r"invalid response object|list index out of range|object has no attribute|keyerror|nonetype|validation error for|"
    r"field required|cannot parse|malformed|valid (string|dictionary|list|integer) |empty response|"
    r"response payload is not"
)
_SPOILT = r"tool.?use.?failed|tool call validation failed|failed.?generation|failed to (call|generate)"
"""The model wrote something that its own provider does not let pass."""
_OVERLOADED = (
    r"overloaded|no capacity|at capacity|temporarily unavailable|service unavailable|currently loading|"
    r"try again later"
)
_REFUSED = (
    r"connection refused|cannot connect|connect call failed|name or service not known|getaddrinfo|"
    r"nodename nor servname|"
    r"no address associated|network is unreachable|no route to host|connection attempts failed|connecttimeout|"
    r"connection timeout to host|certificate verify"
)
_BROKEN = (
    r"server disconnected|connection (reset|aborted|closed|lost|error)|peer closed|incomplete (chunked )?read|"
    r"payload is not completed|"
    r"connection broken|broken pipe|eof occurred|transfer.?encoding|remote end closed|clientpayload"
)
_SERVER = (
    r"internal.?server.?(error|exception)|internal error|bad gateway|model.?error.?exception|server error|"
    r"status.?code.{0,4}5\d\d"
)

TABLE: tuple[Row, ...] = (
    _row(ConnectionLost, "MidStreamFallbackError", maybe_billed=True),
    _row(ContextTooLong, "ContextWindowExceededError"),
    _row(ContentRefused, "ContentPolicyViolationError"),
    replace(_row(QuotaUsed, "", "400 402 403 429", _NO_FUNDS), deep=True),  # OpenAI says so in its code
    _row(QuotaUsed, "", "402"),
    _row(ContextTooLong, "", "400 413 422 500", _TOO_LONG),
    _row(ContentRefused, "", "400 403 422", _FILTERED),
    _row(RateLimited, "RateLimitError", "429"),
    _row(RateLimited, "", "429"),
    _row(RateLimited, "ThrottlingException"),
    _row(RateLimited, "", "400 503", r"throttl|too many requests|rate.?limit"),
    _row(BadCredentials, "", "401 403 451"),
    _row(BadCredentials, "AuthenticationError PermissionDeniedError NoCredentialsError PartialCredentialsError"),
    _row(BadCredentials, "", "400 500", _BAD_KEY),
    Row(ConnectionLost, pattern=re.compile(_REFUSED, re.IGNORECASE), deep=True),
    _row(ModelUnknown, "", "400 404 410 422 500", _NO_MODEL),
    _row(ModelUnknown, "NotFoundError", "404 410"),
    _row(ModelUnknown, "", "404 410"),
    _row(TimedOut, "Timeout APITimeoutError TimeoutException ReadTimeout TimeoutError"),
    _row(TimedOut, "", "408 504"),
    _row(ServerFailed, "ServiceUnavailableError", "503", r"internal|had an error|server error"),
    _row(Overloaded, "", "503 529"),
    _row(Overloaded, "", "", _OVERLOADED),
    _row(ConnectionLost, "", "", _BROKEN, maybe_billed=True),
    replace(_row(ServerFailed, "", "400 422 500", _UNREADABLE, maybe_billed=True), raised=True),
    _row(ServerFailed, "", "400 422", _SPOILT, maybe_billed=True),
    _row(BadRequest, "UnsupportedParamsError"),
    _row(BadRequest, "BadRequestError UnprocessableEntityError", "400 422"),
    _row(ConnectionLost, "", "444 460 499", maybe_billed=True),  # what proxies say of a connection that was closed
    _row(ServerFailed, "", "423 425"),
    _row(BadRequest, "", "4xx"),
    _row(ServerFailed, "", "", _SERVER),
    _row(ConnectionLost, "APIConnectionError ConnectionError ClientError HTTPError OSError", maybe_billed=True),
    _row(ServerFailed, "APIResponseValidationError", maybe_billed=True),
    _row(ServerFailed, "", "5xx"),
)
LAST = Row(ServerFailed, maybe_billed=True)
"""What nobody foresaw: something came back that could not be read."""


def row_for(error: VendorError) -> Row:
    """The first row that fits."""
    return next((row for row in TABLE if _fits(row, error)), LAST)


def _fits(row: Row, error: VendorError) -> bool:
    if (row.classes and row.classes.isdisjoint(error.classes)) or (row.raised and not error.classes):
        return False
    if row.statuses and error.status not in row.statuses and not _only_told(row, error):
        return False
    if row.pattern is None or row.pattern.search(error.message) is not None:
        return True
    if error.code and row.pattern.search(error.code) is not None:
        return True
    return row.deep and row.pattern.search(error.causes) is not None


def _only_told(row: Row, error: VendorError) -> bool:
    """Whether all there is are a server's words, told inside of a reply: then they decide without a status."""
    return error.status is None and not error.classes and row.pattern is not None


def translate(error: VendorError, now: float) -> ProviderError:
    """Our error for a vendor's; ``now`` (seconds since 1970) is what a date in ``Retry-After`` is compared with."""
    row = row_for(error)
    message = tidy(error.message)
    if issubclass(row.error, RateLimited):
        asked = retry_after(error.headers, now)
        asked = said_to_retry_after(error.message) if asked is None else asked
        return row.error(message, status=error.status, retry_after=asked)
    made = row.error(message, status=error.status)
    if row.maybe_billed:
        made.maybe_billed = True
    return made

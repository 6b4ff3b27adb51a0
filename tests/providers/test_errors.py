"""The table of errors, row by row; what an exception carries; keys that never leave."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from nano_flow.core import errors as ours
from nano_flow.providers.errors import LAST, TABLE, row_for, translate
from nano_flow.providers.vendor import VendorError, describe, retry_after, tidy, without_keys


def vendor(message: str, status: int | None = None, *classes: str, **headers: str) -> VendorError:
    return VendorError(frozenset(classes), status, message, {k.replace("_", "-"): v for k, v in headers.items()})


CASES: list[tuple[VendorError, type[ours.ProviderError]]] = [
    (
        vendor("APIConnectionError: peer closed", 503, "MidStreamFallbackError", "ServiceUnavailableError"),
        ours.ConnectionLost,
    ),
    (vendor("too long", 400, "ContextWindowExceededError", "BadRequestError"), ours.ContextTooLong),
    (vendor("no", 400, "ContentPolicyViolationError", "BadRequestError"), ours.ContentRefused),
    (vendor("You have hit insufficient_quota", 429, "RateLimitError"), ours.QuotaUsed),
    (
        VendorError(frozenset(), 429, "You exceeded your current quota", causes="{'code': 'insufficient_quota'}"),
        ours.QuotaUsed,
    ),
    (vendor("Your credit balance is too low", 402), ours.QuotaUsed),
    (vendor("This model's maximum context length is 8192 tokens", 400, "BadRequestError"), ours.ContextTooLong),
    (vendor("prompt is too long: 210000 tokens > 200000 maximum", 400, "BadRequestError"), ours.ContextTooLong),
    (vendor("input length exceeds the available context size", 500, "APIConnectionError"), ours.ContextTooLong),
    (vendor("inputs tokens + max_new_tokens must be <= 4096", 422), ours.ContextTooLong),
    (vendor("The input token count (2000000) exceeds the maximum number of tokens allowed", 400), ours.ContextTooLong),
    (
        vendor("The response was filtered due to the content management policy", 400, "BadRequestError"),
        ours.ContentRefused,
    ),
    (vendor("slow down", 429, "RateLimitError"), ours.RateLimited),
    (vendor("You exceeded your current quota, please retry in 34s", 429, "RateLimitError"), ours.RateLimited),
    (vendor("slow down", 429, "APIError"), ours.RateLimited),
    (vendor("wait", None, "ThrottlingException"), ours.RateLimited),
    (vendor("Too many requests, please wait", 503, "ServiceUnavailableError"), ours.RateLimited),
    (vendor("no", 401, "AuthenticationError"), ours.BadCredentials),
    (vendor("no", 403, "APIError"), ours.BadCredentials),
    (vendor("no", None, "NoCredentialsError"), ours.BadCredentials),
    (vendor("API key not valid. Please pass a valid API key.", 400, "BadRequestError"), ours.BadCredentials),
    (vendor("Unable to locate credentials", 500, "APIConnectionError"), ours.BadCredentials),
    (vendor("pay first", 402, "APIError"), ours.QuotaUsed),
    (vendor("Cannot connect to host 127.0.0.1:1 ssl:default", 500, "APIConnectionError"), ours.ConnectionLost),
    (vendor("The model `nothing` does not exist", 400, "BadRequestError"), ours.ModelUnknown),
    (vendor('model "llama9" not found, try pulling it first', 500, "APIConnectionError"), ours.ModelUnknown),
    (vendor("gone", 404, "NotFoundError"), ours.ModelUnknown),
    (vendor("gone", 410, "APIError"), ours.ModelUnknown),
    (vendor("Request timed out.", 408, "Timeout", "APITimeoutError"), ours.TimedOut),
    (vendor("gateway", 504, "APIError"), ours.TimedOut),
    (vendor("The server had an error", 503, "ServiceUnavailableError"), ours.ServerFailed),
    (vendor("no", 529, "APIError"), ours.Overloaded),
    (vendor("no", 503, "ServiceUnavailableError"), ours.Overloaded),
    (vendor('{"type":"overloaded_error","message":"Overloaded"}', 500, "InternalServerError"), ours.Overloaded),
    (vendor("Server disconnected", 500, "APIConnectionError"), ours.ConnectionLost),
    (vendor("Expecting value: line 1 column 1 (char 0)", 400, "BadRequestError"), ours.ServerFailed),
    (vendor("Unterminated string starting at: line 1", 422, "APIError"), ours.ServerFailed),
    (vendor("Expecting value: line 1 column 1 (char 0)", 500, "APIConnectionError"), ours.ServerFailed),
    (vendor("Tool call validation failed", 400, "BadRequestError"), ours.ServerFailed),
    (
        vendor("does not support parameters: ['tools']", 400, "UnsupportedParamsError", "BadRequestError"),
        ours.BadRequest,
    ),
    (vendor("messages: at least one is required", 400, "BadRequestError"), ours.BadRequest),
    (vendor("too big", 413, "APIError"), ours.BadRequest),
    (vendor("Internal Server Error", None, "APIError"), ours.ServerFailed),
    (vendor("it broke", None, "APIConnectionError"), ours.ConnectionLost),
    (vendor("odd", None, "APIResponseValidationError"), ours.ServerFailed),
    (vendor("odd", 500, "APIError"), ours.ServerFailed),
    (vendor("odd", 520, "APIError"), ours.ServerFailed),
    (vendor("odd", 599, "APIError"), ours.ServerFailed),
    (vendor("odd", 418, "APIError"), ours.BadRequest),
    (vendor("not in your country", 451, "APIError"), ours.BadCredentials),
    (vendor("too early", 425, "APIError"), ours.ServerFailed),
    (vendor("client closed request", 499, "APIError"), ours.ConnectionLost),
    (vendor("what is this", None, "ZeroDivisionError"), ours.ServerFailed),
]


@pytest.mark.parametrize(("error", "wanted"), CASES, ids=[f"{e.status}-{e.message[:40]}" for e, _ in CASES])
def test_each_case_has_its_class(error: VendorError, wanted: type[ours.ProviderError]) -> None:
    assert type(translate(error, 0.0)) is wanted


def test_every_row_decides_at_least_one_case() -> None:
    deciding = {id(row_for(error)) for error, _ in CASES}
    unused = [row for row in (*TABLE, LAST) if id(row) not in deciding]
    assert unused == []


@pytest.mark.parametrize(
    ("error", "billed"),
    [
        (vendor("Cannot connect to host", 500, "APIConnectionError"), False),
        (vendor("Server disconnected", 500, "APIConnectionError"), True),
        (vendor("Expecting value: line 1", 400, "BadRequestError"), True),
        (vendor("Request timed out.", 408, "Timeout"), True),
        (vendor("slow down", 429, "RateLimitError"), False),
        (vendor("Internal Server Error", 500, "InternalServerError"), False),
    ],
)
def test_what_may_have_been_billed(error: VendorError, billed: bool) -> None:
    assert translate(error, 0.0).maybe_billed is billed


NOW = 1_760_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW + 30, UTC), usegmt=True)}, 30.0),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW - 30, UTC), usegmt=True)}, 0.0),
        ({"retry-after": "Sunday"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Tue, 99 Foo 2025 99:99:99 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds
    limited = translate(VendorError(frozenset(), 429, "slow", headers), NOW)
    assert isinstance(limited, ours.RateLimited)
    assert limited.retry_after == seconds


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached. Please try again in 1.2s. Visit", 1.2),
        ("Please try again in 250ms.", 0.25),
        ("Please retry in 34.07 s", 34.07),
        ('{"@type": "RetryInfo", "retryDelay": "17s"}', 17.0),
        ("try again in 2m", 120.0),
        ("try again later", None),
    ],
)
def test_the_message_says_when_where_no_header_does(message: str, seconds: float | None) -> None:
    limited = translate(vendor(message, 429), NOW)
    assert isinstance(limited, ours.RateLimited)
    assert limited.retry_after == seconds
    told = translate(vendor(message, 429, retry_after="3"), NOW)
    assert isinstance(told, ours.RateLimited)
    assert told.retry_after == 3.0


class Response:
    def __init__(self, **headers: str) -> None:
        self.headers = headers


class VendorProblem(Exception):
    def __init__(self, message: str, status: object = None, response: object = None) -> None:
        super().__init__(message)
        self.status_code = status
        self.response = response


def test_an_exception_is_read_with_what_it_was_raised_from() -> None:
    inner = VendorProblem("inner", 429, Response(**{"Retry-After": "3"}))
    outer = RuntimeError("outer")
    outer.__cause__ = inner
    seen = describe(outer)
    assert (seen.status, seen.message, seen.headers) == (429, "outer", {"retry-after": "3"})
    assert "RuntimeError" in seen.classes


def test_a_stream_that_never_began_is_the_error_inside() -> None:
    class MidStreamFallbackError(Exception):
        is_pre_first_chunk = True
        original_exception = VendorProblem("slow down", "429")

    assert describe(MidStreamFallbackError()).status == 429


def test_odd_exceptions_are_described_too() -> None:
    assert describe(VendorProblem("x", "many")).status is None
    assert describe(ValueError()).message == "ValueError"


@pytest.mark.parametrize(
    ("message", "short"),
    [
        ("litellm.RateLimitError: RateLimitError: OpenAIException - slow  down", "slow down"),
        ('AnthropicException - b\'{"type":"error","error":{"message":"no \\"x\\""}}\'', 'no "x"'),
        ('GeminiException InternalServerError - {"error":{"message": "down"}}', "down"),
        ("boom Traceback (most recent call last): File x", "boom"),
        ("x" * 700, "x" * 600 + " …"),
        ("plain", "plain"),
    ],
)
def test_messages_are_tidied(message: str, short: str) -> None:
    assert tidy(message) == short


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijkl",
        "AIzaSyA1234567890",
        "AKIAABCDEFGHIJKLMNOP",
        "hf_abcdefghijkl",
        "ya29.abcdefghijk",
    ],
)
def test_what_looks_like_a_key_is_masked(secret: str) -> None:
    assert secret not in without_keys(f"bad key {secret} given")
    assert "abc" not in without_keys("https://h/v1?key=abc&x=1")
    assert "tok123456789" not in without_keys("Authorization: Bearer tok123456789")
    assert "pw" not in without_keys("https://user:pw@host/")
    assert without_keys("nothing here") == "nothing here"

"""Nothing is sent as a credential that the document does not name, whatever stands in the environment."""

from __future__ import annotations

import pytest

from nano_flow.core.errors import BadCredentials
from nano_flow.providers.cards import Endpoint
from nano_flow.providers.transport.declared import Declared

OURS, THEIRS = "sk-ours-12345678", "sk-theirs-12345678"
ENVIRON = {"OURS": OURS, "THEIRS": THEIRS, "LONGER": f"{OURS}-and-more", "SHORT": "Bearer", "REGION": "eu-central-1"}


def declared(parts: dict[str, str], *, platform: bool = False, **headers: str) -> Declared:
    return Declared.of(Endpoint("mine", "openai", {}, {}, {}, parts, platform, headers=headers), ENVIRON)


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token"])
def test_the_declared_value_goes_and_another_is_refused_by_name(name: str) -> None:
    mine = declared({"api_key": OURS})
    mine.check({name: f"Bearer {OURS}", "user-agent": THEIRS}, "")
    with pytest.raises(BadCredentials, match='would carry THEIRS, which the credentials of "mine"') as caught:
        mine.check({name: f"Bearer {THEIRS}"}, "")
    assert THEIRS not in str(caught.value)


def test_a_value_inside_of_the_declared_one_is_no_other() -> None:
    declared({"api_key": f"{OURS}-and-more"}).check({"authorization": f"Bearer {OURS}-and-more"}, "")
    with pytest.raises(BadCredentials, match="OURS"):
        declared({"api_key": THEIRS}).check({"authorization": OURS}, "")


def test_a_key_in_an_address_is_seen() -> None:
    with pytest.raises(BadCredentials):
        declared({"api_key": OURS}).check({}, f"alt=sse&key={THEIRS}")
    declared({"api_key": OURS}).check({}, f"key={OURS}&region={ENVIRON['REGION']}")


def test_without_credentials_a_request_goes_without() -> None:
    headers = {"authorization": f"Bearer {THEIRS}", "content-type": "application/json"}
    declared({}).check(headers, "")
    assert headers == {"content-type": "application/json"}


@pytest.mark.parametrize("name", ["OpenAI-Organization", "openai-project", "HTTP-Referer", "x-title"])
def test_what_a_library_takes_from_the_environment_is_taken_off(name: str) -> None:
    headers = {name: THEIRS, "user-agent": THEIRS, "authorization": f"Bearer {OURS}"}
    declared({"api_key": OURS}).check(headers, "")
    assert headers == {"user-agent": THEIRS, "authorization": f"Bearer {OURS}"}
    said = Endpoint("mine", "openai", {"organization": THEIRS}, {}, {}, {"api_key": OURS})
    Declared.of(said, ENVIRON).check(headers := {name: THEIRS}, "")
    assert headers == {name: THEIRS}


def test_a_header_that_is_declared_carries_its_variable_and_no_other() -> None:
    mine = declared({"api_key": OURS}, token=f"team {THEIRS}")
    mine.check({"x-token": f"team {THEIRS}", "authorization": f"Bearer {OURS}"}, "")
    with pytest.raises(BadCredentials, match="THEIRS"):
        declared({"api_key": OURS}, team="search").check({"authorization": f"Bearer {THEIRS}"}, "")


def test_another_signature_is_refused_even_where_no_variable_tells_of_it() -> None:
    mine = declared({"access_key": "AKIAOURS00000000", "secret_key": "s" * 20})
    mine.check({"authorization": "AWS4-HMAC-SHA256 Credential=AKIAOURS00000000/20260101/eu/bedrock/aws4_request"}, "")
    with pytest.raises(BadCredentials, match="another key of AWS"):
        mine.check({"authorization": "AWS4-HMAC-SHA256 Credential=AKIAFROMAPROFILE/20260101/eu/bedrock"}, "")


@pytest.mark.parametrize("parts", [{}, {"profile": "team"}])
def test_the_chain_of_a_platform_sends_what_it_finds(parts: dict[str, str]) -> None:
    declared(parts, platform=not parts).check({"authorization": f"Bearer {THEIRS}"}, "")

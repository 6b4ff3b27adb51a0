"""Credentials: which variable is what, certain from its name or said; what is not certain is refused with the form."""

from __future__ import annotations

import pytest

from nano_flow.documents.load import load_providers
from nano_flow.plan.catalogue import ProviderCard
from nano_flow.plan.catalogue_build import resolve_catalogue


def read(service: str, credentials: str) -> tuple[ProviderCard, list[str]]:
    text = f"nano_flow: 1\nproviders:\n  p: {{{service}, credentials: {credentials}}}\n"
    source = load_providers(text, "providers.yaml")
    found, faults = resolve_catalogue(source.document, source.source.value_range)
    return found.providers["p"], [f"{fault.code} {fault.message}; {fault.hint}" for fault in faults]


@pytest.mark.parametrize(
    ("service", "credentials", "roles"),
    [
        ("openai", "[WHATEVER_NAME]", [{"api_key": "WHATEVER_NAME"}]),
        ("groq", "[MY_PASSWORD]", [{"api_key": "MY_PASSWORD"}]),
        ("openai", "[TEAM_KEY, TEAM_BASE_URL]", [{"endpoint": "TEAM_BASE_URL", "api_key": "TEAM_KEY"}]),
        ("openai", "[[A], [B]]", [{"api_key": "A"}, {"api_key": "B"}]),
        ("openai", "{token: A}", [{"token": "A"}]),
        ("openai", "[{api_key: A}, {token: B}]", [{"api_key": "A"}, {"token": "B"}]),
        ("azure", "[AZURE_EU_KEY]", [{"api_key": "AZURE_EU_KEY"}]),
        ("azure", "[EU_ENDPOINT, EU_SECRET]", [{"endpoint": "EU_ENDPOINT", "api_key": "EU_SECRET"}]),
        (
            "bedrock",
            "[EU_AWS_ACCESS_KEY_ID, EU_AWS_SECRET_ACCESS_KEY, EU_AWS_SESSION_TOKEN]",
            [
                {
                    "access_key": "EU_AWS_ACCESS_KEY_ID",
                    "secret_key": "EU_AWS_SECRET_ACCESS_KEY",
                    "session_token": "EU_AWS_SESSION_TOKEN",
                }
            ],
        ),
        ("bedrock", "{access_key: ID, secret_key: S}", [{"access_key": "ID", "secret_key": "S"}]),
        (
            "bedrock",
            "[[OTHER_PROFILE], [MY_BEARER_TOKEN]]",
            [{"profile": "OTHER_PROFILE"}, {"token": "MY_BEARER_TOKEN"}],
        ),
        ("vertex_ai", "[EU_SERVICE_ACCOUNT]", [{"service_account": "EU_SERVICE_ACCOUNT"}]),
    ],
)
def test_the_part_of_a_variable(service: str, credentials: str, roles: list[dict[str, str]]) -> None:
    card, faults = read(f"litellm: {service}", credentials)
    assert faults == []
    assert list(card.roles) == roles
    assert [set(way) for way in card.credentials] == [set(part.values()) for part in roles]


@pytest.mark.parametrize(
    ("service", "credentials", "said"),
    [
        ("openai", "[A_KEY, B_KEY]", "not certain; say which is what: credentials: {api_key: A_KEY}"),
        ("openai", "[MY_KEY, MY_ORG]", "{api_key: MY_KEY}; parts are api_key, token, endpoint"),
        ("openai", "[MY_URL]", "none of these is a key; say which is what: credentials: {api_key: VARIABLE, "),
        ("openai", "{access_key: X}", '"openai" takes no access_key'),
        ("bedrock", "[EU_AWS]", "what each of EU_AWS is for is not certain; say which is what: credentials: {acc"),
        ("bedrock", "{access_key: X}", "an access_key and a secret_key go together"),
        ("bedrock", "{access_key: X, secret_key: Y, profile: Z}", "are two ways"),
        ("azure", "[A_KEY, B_KEY]", "not certain"),
        ("vertex_ai", "[GCP_STUFF]", "credentials: {service_account: GCP_STUFF}"),
        ("openai", "default", '"openai" has no chain of credentials of its own'),
    ],
)
def test_what_is_not_certain_is_refused_with_the_form(service: str, credentials: str, said: str) -> None:
    (fault,) = read(f"litellm: {service}", credentials)[1]
    assert fault.startswith("NF552 ") and said in fault


def test_an_adapter_of_its_own_knows_its_variables_itself() -> None:
    card, faults = read("adapter: mine", "[A, B]")
    assert (card.credentials, card.roles, faults) == ((("A", "B"),), ({},), [])


@pytest.mark.parametrize("service", ["bedrock", "vertex_ai", "azure"])
def test_the_chain_of_a_platform(service: str) -> None:
    card, faults = read(f"litellm: {service}", "default")
    assert (card.platform, card.credentials, faults) == (True, (), [])

"""From declared providers to adapters: variables, keys, adapters of other packages, questions to providers."""

from __future__ import annotations

import asyncio
import json
import threading
from importlib import metadata

import pytest

from nano_flow.clock import SystemClock
from nano_flow.core import errors
from nano_flow.core.messages import ChatRequest, Message
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.ports import ChatProvider
from nano_flow.project.providers import check_providers, model_lines, provider_states
from nano_flow.providers import table as table_module
from nano_flow.providers.cards import Endpoint
from nano_flow.providers.environment import expand, first_complete
from nano_flow.providers.probe import Found, probe, question_for
from nano_flow.providers.sim import SimOptions, SimProvider
from nano_flow.providers.table import ENTRY_POINTS, ForeignProvider, ProviderTable, Surroundings, endpoint_of
from tests.providers.clock import FakeClock
from tests.providers.endpoints import endpoint
from tests.providers.replay import Reply, serving

SIM = ProviderCard(
    "sim", None, "sim", models={"small": ModelCard(ModelRef("sim", "small"), 50)}, extra={"seed": 3, "latency": 0.5}
)
OPENAI = ProviderCard("openai", "openai", None, (("OPENAI_API_KEY",),), {"base_url": "${OPENAI_BASE_URL:-http://h/v1}"})


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${A}", "a"),
        ("${A:-x}", "a"),
        ("${B:-x}", "x"),
        ("${E:-x}", "x"),
        ("${B}", ""),
        ("http://${A}:${P:-80}/v1", "http://a:80/v1"),
        ("$A ${} ${1}", "$A ${} ${1}"),
        ("${B:-${A}}", "${A}"),
    ],
)
def test_variables(text: str, expanded: str) -> None:
    assert expand(text, {"A": "a", "E": ""}) == expanded.replace("${A}", "${A}")


def test_the_first_complete_set_of_keys_counts() -> None:
    ways = (("A", "B"), ("C",))
    assert first_complete(ways, {"A": "1", "C": "3"}) == 1
    assert first_complete(ways, {"A": "1", "B": "2", "C": "3"}) == 0
    assert first_complete(ways, {"A": "1", "B": ""}) is None
    assert first_complete((), {}) is None


def test_adapters_are_made_once_and_closed_once() -> None:
    table = ProviderTable({"sim": SIM}, Surroundings(FakeClock(), {}))
    made = table.get("sim")
    assert table.get("sim") is made
    assert isinstance(made, SimProvider)
    assert made.options.seed == 3
    assert made.options.latency_s == {"": 0.5}
    assert made.options.windows == {"small": 50}
    asyncio.run(table.close())
    assert table.get("sim") is not made


def test_while_an_adapter_is_made_the_loop_goes_on_and_it_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    others_went_on, made = threading.Event(), []

    def slow(card: object, surroundings: object) -> ChatProvider:
        made.append(others_went_on.wait(5))
        return SimProvider(FakeClock(), SimOptions.read({}, {}))

    monkeypatch.setattr(table_module, "FACTORIES", {"litellm": slow})
    table = ProviderTable({"openai": OPENAI}, Surroundings(FakeClock(), {}))

    async def three() -> list[ChatProvider]:
        async def set_it() -> ChatProvider:
            others_went_on.set()
            return await table.ready("openai")

        return list(await asyncio.gather(table.ready("openai"), set_it(), table.ready("openai")))

    assert len(set(map(id, asyncio.run(three())))) == 1
    assert made == [True]


def test_a_script_of_the_surroundings_wins() -> None:
    table = ProviderTable({"sim": SIM}, Surroundings(FakeClock(), {}, {"a": "scripted"}))
    request = ChatRequest(ModelRef("sim", "small"), (Message("user", "?"),), address="a")
    assert asyncio.run(table.get("sim").complete(request)).text == "scripted"


def test_what_is_not_there_is_said() -> None:
    table = ProviderTable({"mine": ProviderCard("mine", None, "nowhere")}, Surroundings(FakeClock(), {}))
    with pytest.raises(errors.BadRequest, match=r'"nowhere".*not installed; known: litellm, sim'):
        table.get("mine")
    with pytest.raises(errors.BadRequest, match="not declared"):
        table.get("other")


def test_an_endpoint_has_its_settings_expanded_and_its_keys() -> None:
    found = endpoint_of(OPENAI, {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://other"})
    assert (found.setting("base_url"), dict(found.keys)) == ("http://other", {"OPENAI_API_KEY": "k"})
    assert endpoint_of(OPENAI, {}).setting("base_url") == "http://h/v1"
    assert found.setting("region") == ""
    assert found.model(ModelRef("openai", "new")).can is None


class Odd:
    """An adapter of somebody else, with a defect."""

    def __init__(self, endpoint: Endpoint, options: object, clock: object) -> None:
        self.endpoint = endpoint

    async def complete(self, request: ChatRequest, on_text: object = None) -> object:
        raise KeyError("choices")

    async def close(self) -> None:
        """Nothing is held."""


class Unready(Odd):
    def __init__(self, *parts: object) -> None:
        raise KeyError("no settings of key-1234")


class Wordy(Odd):
    async def complete(self, request: ChatRequest, on_text: object = None) -> object:
        return "only text"

    async def close(self) -> None:
        raise RuntimeError("never opened")


class Leaving(Odd):
    async def complete(self, request: ChatRequest, on_text: object = None) -> object:
        raise SystemExit(3)


class Cancelling(Odd):
    async def complete(self, request: ChatRequest, on_text: object = None) -> object:
        raise asyncio.CancelledError


class Waiting(Odd):
    async def complete(self, request: ChatRequest, on_text: object = None) -> object:
        return await asyncio.Event().wait()


FOREIGN = ProviderCard("mine", None, "odd", settings={"base_url": "${A:-http://h}"}, credentials=(("K",),))


def foreign(monkeypatch: pytest.MonkeyPatch, factory: type[Odd]) -> ChatProvider:
    """The adapter ``odd`` of another package, made by ``factory``."""
    entry = metadata.EntryPoint("odd", f"{__name__}:Odd", ENTRY_POINTS)
    monkeypatch.setattr(type(entry), "load", lambda self: factory)
    monkeypatch.setattr(metadata, "entry_points", lambda *, group: metadata.EntryPoints([entry]))
    return ProviderTable({"mine": FOREIGN}, Surroundings(FakeClock(), {"K": "key-1234"})).get("mine")


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (Odd, "KeyError: 'choices'"),
        (Wordy, "answered with a str, not a ChatReply"),
        (Leaving, "SystemExit: 3"),
        (Cancelling, "was cancelled inside"),
    ],
)
def test_defects_of_another_package_s_adapter_are_contained(
    monkeypatch: pytest.MonkeyPatch, factory: type[Odd], said: str
) -> None:
    made = foreign(monkeypatch, factory)
    assert isinstance(made, ForeignProvider)
    with pytest.raises(errors.ServerFailed, match=said) as caught:
        asyncio.run(made.complete(ChatRequest(ModelRef("mine", "m"), ())))
    assert caught.value.maybe_billed
    asyncio.run(made.close())
    assert asyncio.run(check_providers(Catalogue({"mine": FOREIGN}), {"K": "k"}))[0].usable


def test_an_adapter_that_cannot_be_made_is_told_without_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        errors.BadRequest, match=r'"odd" of the provider "mine" \(.*:Odd\) cannot be used: KeyError'
    ) as caught:
        foreign(monkeypatch, Unready)
    assert "key-1234" not in str(caught.value)


def test_a_real_cancellation_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = foreign(monkeypatch, Waiting)

    async def main() -> None:
        call = asyncio.create_task(made.complete(ChatRequest(ModelRef("mine", "m"), ())))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(main())


def ask(reply: Reply | None, litellm: str = "openai", keys: dict[str, str] | None = None) -> tuple[Found, bytes]:
    async def run() -> tuple[Found, bytes]:
        async with serving(*([reply] if reply else [])) as server:
            url = server.url if reply else "http://127.0.0.1:9"
            mine = endpoint("p", litellm, {"base_url": url}, keys or {}, {"m": ModelCard(ModelRef("p", "m"))})
            return await probe(mine, SystemClock(), 2.0), b"".join(server.bodies)

    return asyncio.run(run())


def test_a_provider_that_answers() -> None:
    found, _ = ask(Reply(b"{}"))
    assert found.reachable
    assert not found.error
    assert found.latency_s is not None


@pytest.mark.parametrize(("status", "error"), [(401, "refused"), (403, "refused"), (503, "503"), (404, "")])
def test_what_a_status_means(status: int, error: str) -> None:
    found, _ = ask(Reply(b"{}", status), keys={"OPENAI_API_KEY": "sk-secret-1234"})
    assert found.reachable
    assert error in found.error
    assert bool(found.advice) is bool(error)
    assert "sk-secret" not in f"{found}"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(b"", raw=b"SSH-2.0-x\r\n"), "does not speak proper HTTP"),
        (Reply(b"", raw=b"HTTP/1.1 abc\r\n\r\n"), "does not speak proper HTTP"),
        (Reply(b"", raw=b"x" * 200_000), "does not speak proper HTTP"),
        (Reply(b"", raw=b""), "closed the connection before it had answered"),
        (Reply(b"", 302, headers={"location": "http://elsewhere"}), "it redirects (302)"),
        (Reply(b"<html>", content_type="text/html; charset=utf-8"), "a web page"),
    ],
)
@pytest.mark.parametrize("litellm", ["openai", "ollama_chat"])
def test_what_cannot_be_a_provider_is_told_in_words(litellm: str, reply: Reply, error: str) -> None:
    found, _ = ask(reply, litellm)
    assert (found.reachable, found.advice) == (False, "check its base_url in providers.yaml")
    assert error in found.error


@pytest.mark.parametrize(("litellm", "advice"), [("openai", "base_url"), ("ollama_chat", "ollama serve")])
def test_a_provider_that_is_not_there_comes_with_advice(litellm: str, advice: str) -> None:
    found, _ = ask(None, litellm)
    assert not found.reachable
    assert found.error == "connection refused"
    assert advice in found.advice


def test_bad_addresses_and_silent_servers_end_too() -> None:
    async def silent() -> Found:
        listener = await asyncio.start_server(lambda reader, writer: reader.read(), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        try:
            return await probe(endpoint("p", "openai", {"base_url": url}, {}, {}), SystemClock(), 0.2)
        finally:
            listener.close()

    assert "0.2 s" in asyncio.run(silent()).error
    bad = asyncio.run(probe(endpoint("p", "openai", {"base_url": "ftp://x"}, {}, {}), SystemClock()))
    assert "http" in bad.error


@pytest.mark.parametrize(
    ("litellm", "keys", "where"),
    [
        ("anthropic", {"ANTHROPIC_API_KEY": "k"}, "https://api.anthropic.com/v1/models"),
        ("gemini", {"GEMINI_API_KEY": "k"}, "https://generativelanguage.googleapis.com/v1beta/models"),
        ("vertex_ai", {"GOOGLE_API_KEY": "k"}, "https://generativelanguage.googleapis.com/v1beta/models"),
        ("vertex_ai", {}, "https://-aiplatform.googleapis.com"),
        ("bedrock", {}, "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("cohere", {"COHERE_API_KEY": "k"}, "https://api.cohere.com/v1/models"),
        ("huggingface", {"HF_TOKEN": "k"}, "https://huggingface.co/api/whoami-v2"),
        ("ollama_chat", {}, "http://127.0.0.1:11434/api/tags"),
        ("azure", {"AZURE_API_KEY": "k"}, "/openai/models?api-version="),
        ("azure", {}, ""),
        ("mistral", {}, "https://api.openai.com/v1/models"),
    ],
)
def test_what_is_asked(litellm: str, keys: dict[str, str], where: str) -> None:
    question = question_for(endpoint("p", litellm, {}, keys, {"m": ModelCard(ModelRef("p", "m"))}))
    assert question.base + question.path == where
    assert not keys or any("k" in value for value in question.headers.values())


def test_states_name_variables_and_no_values() -> None:
    catalogue = Catalogue({"openai": OPENAI, "sim": SIM})
    missing, sim = provider_states(catalogue, {})
    assert (missing.credentials, missing.usable, sim.credentials) == ("missing", False, "not_needed")
    found, _ = provider_states(catalogue, {"OPENAI_API_KEY": "sk-secret"})
    assert found.credentials_text == "found OPENAI_API_KEY"
    assert "sk-secret" not in json.dumps(found.as_json())
    (state,) = asyncio.run(check_providers(catalogue, {}, ["openai"]))
    assert (state.reachable, state.advice) == (None, "set OPENAI_API_KEY")
    (line,) = model_lines(catalogue, "SMALL", {})
    assert (line.name, line.window_text, line.credentials) == ("sim/small", "50", True)


def test_runs_of_one_process_make_their_adapters_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    alone: list[bool] = []
    inside = threading.Lock()

    def slow(card: object, surroundings: object) -> ChatProvider:
        alone.append(inside.acquire(blocking=False))
        threading.Event().wait(0.05)
        if alone[-1]:
            inside.release()
        return SimProvider(FakeClock(), SimOptions())

    monkeypatch.setattr(table_module, "FACTORIES", {"litellm": slow})

    async def several() -> None:
        tables = [ProviderTable({"openai": OPENAI}, Surroundings(FakeClock(), {})) for _ in range(3)]
        await asyncio.gather(*(each.ready("openai") for each in tables))

    asyncio.run(several())
    assert alone == [True, True, True]

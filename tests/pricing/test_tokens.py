"""Counting tokens: exact where the encoding is known, an approximation elsewhere, and a bound that always holds."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nano_flow.core.messages import Attachment, Message, ToolCall, ToolSpec
from nano_flow.core.refs import ModelRef
from nano_flow.pricing import encodings
from nano_flow.pricing.encodings import CL100K, O200K, Encoding, Tokenizers, encoding_of, load
from nano_flow.pricing.tokens import Count, count_request, estimate_tokens, most_tokens, upper_bound

GPT5 = ModelRef("openai", "gpt-5-mini")
SAMPLES = {
    "prose": "The committee met on Tuesday to discuss whether the bridge, closed since March, could be reopened. " * 20,
    "code": "def total(rows: list[Row]) -> int:\n    return sum(row.amount for row in rows if row.paid)\n\n" * 20,
    "json": '{"id": 1042, "name": "widget", "tags": ["a", "b"], "price": {"usd": "12.50"}}\n' * 20,
    "german": "Die Kommission tagte am Dienstag und beriet, ob die gesperrte Brücke wieder öffnen darf. " * 20,
    "russian": "Комиссия собралась во вторник, чтобы обсудить, можно ли снова открыть закрытый мост. " * 20,
    "chinese": "委员会周二开会讨论自三月以来关闭的桥梁是否可以重新开放。" * 20,
}


@pytest.fixture(scope="module")
def exact() -> Count:
    count = load(O200K)
    assert count is not None
    return count


@pytest.mark.parametrize("encoding", [O200K, CL100K], ids=lambda e: e.name)
def test_counts_are_tiktokens_own(encoding: Encoding) -> None:
    folder = encodings._folder()
    assert folder is not None
    with mock.patch.dict(os.environ, {"TIKTOKEN_CACHE_DIR": str(folder)}):
        import tiktoken

        theirs = tiktoken.get_encoding(encoding.name)
    assert theirs._pat_str == encoding.pattern
    ours = load(encoding)
    assert ours is not None
    for text in (*SAMPLES.values(), "", "naïve 🙂 \ud800", " \n\t x"):
        assert ours(text) == len(theirs.encode_ordinary(text))


def test_loading_an_encoding_does_not_import_litellm() -> None:
    before = "litellm" in sys.modules
    assert load(CL100K) is not None
    assert ("litellm" in sys.modules) == before


def test_a_long_run_of_blanks_does_not_overflow_the_tokenizer(exact: Count) -> None:
    assert exact(" " * 1_000_000 + "a") > 1000


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("openai/gpt-5-mini", O200K),
        ("openai/gpt-4o", O200K),
        ("openai/gpt-4.1-nano", O200K),
        ("openai/o4-mini", O200K),
        ("azure/gpt-4-turbo", CL100K),
        ("openai/gpt-3.5-turbo", CL100K),
        ("openai/unheard-of", None),
        ("anthropic/claude-3-haiku", None),
        ("ollama/gpt-4o", None),
    ],
)
def test_which_encoding_is_whose(name: str, encoding: Encoding | None) -> None:
    assert encoding_of(ModelRef.parse(name)) is encoding


def test_without_the_file_or_with_another_one_it_is_estimated(tmp_path: Path) -> None:
    with mock.patch.object(encodings, "_folder", return_value=tmp_path):
        assert not Tokenizers().exact(GPT5)
        (tmp_path / O200K.file).write_bytes(b"IQ== 0\n")
        assert load(O200K) is None
        assert Tokenizers().counter(GPT5) is estimate_tokens
    with mock.patch("importlib.util.find_spec", return_value=None):
        assert load(O200K) is None


def test_a_model_is_counted_exactly_where_that_is_possible() -> None:
    tokenizers = Tokenizers()
    assert tokenizers.exact(GPT5)
    assert tokenizers.counter(GPT5) is tokenizers.counter(ModelRef("openai", "gpt-5"))
    assert not tokenizers.exact(ModelRef("anthropic", "claude-3-haiku"))


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_estimate_is_near_the_true_count(sample: str, exact: Count) -> None:
    true = exact(SAMPLES[sample])
    assert abs(estimate_tokens(SAMPLES[sample]) - true) <= 0.3 * true


def test_the_estimate_of_nothing_is_nothing() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("\x01") == 1


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_no_text_has_more_tokens_than_its_bound(text: str) -> None:
    for encoding in (O200K, CL100K):
        count = Tokenizers(LOADED).counter(ModelRef("openai", "gpt-4o" if encoding is O200K else "gpt-4"))
        assert count(text) <= most_tokens(text)


LOADED: dict[str, Count | None] = {}


def test_normalising_tokenizers_are_within_the_bound() -> None:
    assert most_tokens("\ufdfa") == len("صلى الله عليه وسلم".encode())
    assert most_tokens("naïve") == 6


def request() -> tuple[tuple[Message, ...], tuple[ToolSpec, ...], dict[str, object]]:
    call = ToolCall("call_1", "read_file", '{"path": "a.py"}')
    messages = (
        Message("system", "You are brief."),
        Message("user", "Look at this.", attachments=(Attachment("notes.txt", "text/plain", "one two three"),)),
        Message("assistant", "", tool_calls=(call,), provider_data={"signature": "abc"}),
        Message("tool", "x = 1", tool_call_id="call_1"),
    )
    tools = (ToolSpec("read_file", "Read a file", {"type": "object", "properties": {"path": {"type": "string"}}}),)
    return messages, tools, {"type": "object", "properties": {"answer": {"type": "string"}}}


def test_a_request_is_the_sum_of_its_parts(exact: Count) -> None:
    messages, tools, schema = request()
    whole = count_request(messages, tools, schema, exact)  # type: ignore[arg-type]
    parts = count_request(messages, count=exact) + count_request((), tools, count=exact)
    assert whole == parts + count_request((), (), schema, exact)  # type: ignore[arg-type]
    assert count_request((Message("user", "hello"),), count=exact) == 5


def test_the_bound_of_a_request_covers_texts_tools_schema_and_images(exact: Count) -> None:
    messages, tools, schema = request()
    assert count_request(messages, tools, schema, exact) < upper_bound(messages, tools, schema)  # type: ignore[arg-type]
    picture = Message("user", "", attachments=(Attachment("a.png", "image/png", "aGk="),))
    assert upper_bound((picture,)) > 48_169
    assert count_request((picture,)) == 1_008

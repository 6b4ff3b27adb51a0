"""A rule on tags holds whatever the case of the letters, and one on a tag that nobody declared is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from nano_flow.core.errors import DocumentError
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import load_routing
from nano_flow.project.policies import compiled
from nano_flow.routing.rules import RoutingPolicy
from nano_flow.routing.words.tags import spelled, spellings, undeclared

KNOWN = spellings(["PII", "law"])


def policy(*rules: str, tags: str = "[PII, law]") -> RoutingPolicy:
    listed = "".join(f"      - {rule}\n" for rule in rules)
    text = f"""nano_flow: 1
tags: {tags}
tiers: {{only: {{models: [openai/gpt-5, ollama/llama3]}}}}
policies:
  default:
    rules:
{listed}"""
    return compiled(load_routing(text, "routing.yaml"), str(Path.cwd()))


@pytest.mark.parametrize("word", ["pii", "PII", "Pii"])
@pytest.mark.parametrize("when", ["'{}' in tags", '"{}" in tags', "tags == ['{}']", "['{}'] == tags and true"])
def test_case_of_letters_does_not_open_a_rule(word: str, when: str) -> None:
    made = policy(f"{{when: {when.format(word)!r}, provider: ollama}}")
    rule = made.forbidding("default", ModelRef("openai", "gpt-5"), ("pIi",))
    assert rule is not None and rule.restriction() == "routing.yaml:7 admits only ollama"


@pytest.mark.parametrize("when", ["'pi' in tags", "'payroll' not in tags", "tool_count > 1 or 'x' in tags"])
def test_a_rule_on_an_undeclared_tag_is_refused(when: str) -> None:
    with pytest.raises(DocumentError) as caught:
        policy(f'{{when: "{when}", provider: ollama}}')
    (said,) = caught.value.diagnostics
    assert said.code == "NF510" and "there is no tag" in said.message
    assert said.hint in ('did you mean "PII"?',) or said.hint.startswith("declare it in this file: tags: [PII, law, ")


def test_a_rule_forbids_only_what_tags_alone_decide() -> None:
    gpt, llama = ModelRef("openai", "gpt-5"), ModelRef("ollama", "llama3")
    local = "{when: \"'pii' in tags\", provider: ollama}"
    assert policy(local).forbidding("default", llama, ("pii",)) is None
    assert policy(local).forbidding("default", gpt, ()) is None
    assert policy("{when: complexity > 3, provider: openai}", local).forbidding("default", gpt, ("pii",)) is None
    assert (
        policy("{when: \"'pii' in tags and complexity > 3\", provider: ollama}").forbidding("default", gpt, ()) is None
    )
    assert policy("{provider: ollama}").forbidding("default", gpt, ()) is not None


def test_other_words_of_a_condition_stay_as_they_are() -> None:
    assert spelled("model == 'pii'", KNOWN) == "model == 'pii'"
    assert spelled("'pii' in tags and model == 'Law'", KNOWN) == "'PII' in tags and model == 'law'"
    assert list(undeclared("'a' in tags and 'b' == model and \"c\" not in tags", KNOWN)) == ["a", "c"]

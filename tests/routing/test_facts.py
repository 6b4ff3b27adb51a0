"""Facts are counts of structure that hold in any language, and they come back from a journal as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano_flow.routing.facts import FEATURES, Facts, RunFacts, StepFacts, facts_of, gather
from nano_flow.routing.reading import estimate_tokens, read_text

TASK = """Implement src/app.py and tests/test_app.py, about 1,200 lines.

1. read the file
2) write `x = f(y) == 2;`
- done?
```python
if a:
    return {}
```"""


def test_structure_of_a_task() -> None:
    facts = facts_of(TASK).prompt
    assert facts.file_mentions == 2
    assert facts.named_lines == facts.estimated_loc == 1200
    assert facts.enumerated_items == 3
    assert facts.code_blocks == 1 and facts.code_lines == 1
    assert facts.questions == 1 and facts.lines == 9 and facts.blank_lines == 1
    assert facts.distinct_numbers == 3  # 1, 200 and 2: a thousands comma parts a number
    assert facts.first_line == len(TASK.split("\n")[0])
    assert facts.last_line == 3 and facts.ends_with_question == 0


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a tool of 500 lines", 500),
        ("a 300-line script", 300),
        ("2k lines", 2000),
        ("etwa 2000 Zeilen", 2000),
        ("unas 150 líneas", 150),
        ("около 700 строк", 700),
        ("大约800行", 800),
        ("10 lines here, 40 lines there", 40),
        ("اكتب ٥٠٠ سطر", 500),
        ("ประมาณ 300 บรรทัด", 300),
        ("約１２０行", 120),
        ("약 90줄", 90),
        ("近十行", 0),
        ("many lines", 0),
        ("42 headlines", 0),
        ("5 " + "lines " * 30, 5),
    ],
)
def test_lines_that_are_named_in_several_languages(text: str, lines: int) -> None:
    assert facts_of(text).prompt.named_lines == lines


def test_lines_are_estimated_from_parts_files_and_demands() -> None:
    assert facts_of("Create a REST API").prompt.estimated_loc == 60
    assert facts_of("Create an API with a database.\n- login\n- logout").prompt.estimated_loc == 2 * 60 + 2 * 20
    assert facts_of("Look at app.py and db.sql").prompt.estimated_loc == 2 * 40
    assert facts_of("Mend app.py now.").prompt.file_mentions == 1
    assert facts_of("It costs 3.50 now. Or 4.").prompt.file_mentions == 0
    assert facts_of("The API of life").prompt.estimated_loc == 0


def test_a_file_name_ends_no_sentence() -> None:
    assert facts_of("Mend app.py and db.sql now. Then stop.\nNow!").prompt.sentences == 3


def test_repetition_does_not_grow_with_length_alone() -> None:
    assert facts_of("one two three").prompt.repetition == 0
    assert facts_of("one").prompt.repetition == 0
    assert facts_of("").prompt.repetition == 0
    assert facts_of("the house of the owner of the house").prompt.repetition > 0.2


def test_an_empty_text_has_facts() -> None:
    facts = facts_of("").prompt
    assert (facts.prompt_tokens, facts.prompt_words, facts.sentences, facts.first_line) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("text", "words", "commas", "sentences"),
    [
        ("Er sagte: „ja“, dann – nichts…", 5, 1, 1),
        ("我们需要一个系统，它很快。真的吗？", 7, 1, 2),
        ("ประเทศไทย", 5, 0, 1),
        ("¿Qué? ¡Sí!", 2, 0, 2),
        ("كم، لماذا؟", 2, 1, 1),
    ],
)
def test_other_scripts_have_words_commas_and_sentences(text: str, words: int, commas: int, sentences: int) -> None:
    facts = facts_of(text).prompt
    assert (facts.prompt_words, facts.commas, facts.sentences) == (words, commas, sentences)


def test_tokens_of_other_scripts_are_not_a_quarter_of_their_characters() -> None:
    assert facts_of("word " * 40).prompt.prompt_tokens == 50
    assert facts_of("系统设计方案" * 10).prompt.prompt_tokens == 60
    assert estimate_tokens(read_text("")) == 0


def test_lone_surrogates_are_counted_and_do_not_raise() -> None:
    assert facts_of("a \ud800 b").prompt.prompt_words == 2


def test_the_middle_of_a_very_long_text_is_only_counted() -> None:
    reading = read_text("start " + "middle " * 5000 + "end")
    assert reading.word_count == 5002
    assert reading.looked_at == 2000
    assert {b"start", b"end"} <= reading.distinct
    assert read_text("word " * 1600).looked_at == 1600


def test_facts_of_step_and_run_are_features_and_come_back_from_json() -> None:
    step = StepFacts(tool_count=2, output_schema_size=3, has_images=True, max_turns=5, tags=("pii", "law"))
    facts = gather(read_text(TASK), step, RunFacts(upstream_tokens=7, iteration=2, budget_left=0.5))
    data = facts.as_json()
    assert data["tags"] == ["pii", "law"] and data["budget_left"] == 0.5
    assert "tags" not in FEATURES and FEATURES["tool_count"](facts) == 2
    again = Facts.from_json(data)
    assert again.step == step and again.run == facts.run
    assert again.as_json() == data
    assert gather(read_text("")).as_json()["budget_left"] is None


def test_old_and_new_facts_of_a_journal_do_not_disturb() -> None:
    facts = Facts.from_json({"prompt_words": 4, "a_fact_of_the_future": 1})
    assert facts.prompt.prompt_words == 4 and facts.prompt.commas == 0 and facts.step == StepFacts()


@given(st.text())
def test_any_text_has_bounded_facts(text: str) -> None:
    facts = facts_of(text).prompt
    assert facts.prompt_chars == len(text)
    for share in (
        "distinct_share",
        "repetition",
        "digits_share",
        "capitals_share",
        "beyond_ascii_share",
        "symbols_share",
    ):
        assert -1e-9 <= getattr(facts, share) <= 1
    assert facts.distinct_words <= facts.prompt_words


@pytest.mark.parametrize("said", ["500 lines", "500+ lines", "500-line", "a 500 LOC", "~500 lines"])
def test_lines_are_named_however_the_number_is_joined_to_them(said: str) -> None:
    assert facts_of(f"Write about {said} of Go").prompt.named_lines == 500

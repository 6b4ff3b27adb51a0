"""``nano-flow test``: what it says of cases that do not hold, and where."""

from __future__ import annotations

import json
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nano_flow.cli.main import run_command
from nano_flow.testing.collect import run_all
from tests.workflows.scenarios import problems

WORKFLOW = """
inputs: {name: {type: string, default: Ann}}
steps:
  greet: {prompt: "Greet {{ inputs.name }}.", model: simple}
  shout: {run: [shout, "{{ steps.greet.output }}"]}
outputs: {said: "{{ steps.shout.output.stdout }}"}
=== test.yaml
"""


def said(cases: str, folder: Path) -> list[str]:
    return problems(WORKFLOW + cases, folder)


def test_samples_of_a_cascade_are_scripted_and_count_as_no_execution(tmp_path: Path) -> None:
    text = """
steps: {sum: {prompt: What is 3 + 4?}}
outputs: {sum: "{{ steps.sum.output }}"}
=== routing.yaml
nano_flow: 1
tiers: {low: {below: 8, models: [sim/small]}, high: {models: [sim/large]}}
cascade:
  tiers: [low, high]
  samples: 2
  signals: [{name: disagreement, feature: agreement, curve: [[0, 8], [1, 0]]}]
  escalate_at: 5
=== test.yaml
cases:
  agreed:
    replies: {sum: {samples: ["7", so 7]}}
    expect: {outputs: {sum: "7"}, steps: {sum: {times: 1, attempts: 1, model: sim/small}}}
  not agreed, the next execution is the higher tier's:
    replies: {sum: [{samples: ["6", "8"]}, it is 7]}
    expect: {outputs: {sum: it is 7}, steps: {sum: {times: 1, model: sim/large, tier: high}}}
"""
    assert problems(text, tmp_path) == []


CHECKED = """
steps:
  fix:
    prompt: Fix it.
    model: sim/small
    verify: [{judge: "Is it fixed?", at_least: 0.01}, {run: [pytest]}]
    repair: {max_attempts: 1}
outputs: {fixed: "{{ steps.fix.output }}"}
=== test.yaml
"""


def test_commands_that_check_a_reply_are_scripted_beside_it(tmp_path: Path) -> None:
    cases = """
cases:
  mended:
    replies: {fix: {turns: [{reply: one, verify: {exit_code: 1, stderr: test_a failed}}, {reply: two, verify: ok}]}}
    expect: {outputs: {fixed: two}}
  not mended:
    replies: {fix: {reply: one, verify: [{exit_code: 1, stderr: test_a failed}]}}
    expect: {status: failed, error: {contains: test_a failed}}
  not scripted:
    replies: {fix: one}
    expect: {status: failed, error: {contains: 'add "verify" to the reply of "fix"'}}
  by item, the command itself cannot start:
    replies: {fix: [{reply: one, verify: {error: command, message: no pytest here}}]}
    expect: {status: failed, error: {contains: no pytest here}}
"""
    assert problems(CHECKED + cases, tmp_path) == []


def test_differences_name_the_side_and_both_values(tmp_path: Path) -> None:
    cases = """
cases:
  c:
    replies: {greet: hi, shout: HI}
    expect:
      outputs: {said: HO, more: 1}
      steps:
        greet: {times: 2, tier: {contains: x}, prompts: {1: {not_contains: Ann}}}
        shout: {status: skipped, output: {stdout: {matches: "^[a-z]+$"}}}
      files: {a.txt: x}
      max_in_flight: {at_most: 0}
"""
    assert said(cases, tmp_path) == [
        'c: outputs.said: expected "HO", got "HI"',
        "c: outputs.more: expected 1, it is not there; there are said",
        "c: max_in_flight: expected at most 0, got 1",
        'c: steps.greet.prompts.1: expected it not to contain "Ann", got "Greet Ann."',
        'c: steps.greet.tier: expected it to contain "x", got "simple"',
        "c: steps.greet.times: expected 2, got 1",
        'c: steps.shout.output.stdout: expected it to match "^[a-z]+$", got "HI"',
        'c: steps.shout.status: expected "skipped", got "succeeded"',
        'c: files.a.txt: expected "x", got null',
    ]


def test_what_is_missing_or_too_much_is_said(tmp_path: Path) -> None:
    assert said("cases: {c: {replies: {greet: [hi, ho]}}}", tmp_path) == [
        "c: status: the run failed, which no expectation says: "
        'no reply is scripted for this command; add "shout" to replies',
        'c: nothing asked for the reply of "greet[1]"',
    ]


def test_mistakes_of_a_document_are_found_before_anything_runs(tmp_path: Path) -> None:
    found = said("cases: {c: {replies: {gret: hi}, expect: {steps: {shoot: {times: 1}}}}}", tmp_path)
    assert ["NF602" in one for one in found] == [True, True]
    assert 'test.yaml:3:23  error NF602  there is no step "gret" did you mean "greet"?' in found[0]
    assert "NF2" in said("cases: {c: {expect: {step: {}}}}", tmp_path / "b")[0]


def test_inputs_and_files_come_from_beside_the_document(tmp_path: Path) -> None:
    cases = """
commands: real
cases:
  c:
    inputs: {name: "@name.txt"}
    files: {in.txt: "@name.txt", sub/b.txt: text}
    replies: {greet: hi}
    expect: {steps: {greet: {prompts: {1: {contains: Bea}}}}, outputs: {said: "Bea"}, files: {out.txt: {contains: Bea}}}
=== name.txt
Bea
"""
    workflow = WORKFLOW.replace('[shout, "{{ steps.greet.output }}"]', "cat in.txt; cp in.txt out.txt")
    assert problems(workflow + "nano_flow: 1\nworkflow: workflow.yaml\n" + cases.lstrip(), tmp_path) == []


def test_a_case_may_take_too_long(tmp_path: Path) -> None:
    text = "steps: {w: {wait: 2d}}\n=== test.yaml\ncases:\n  whole: {}\n  short: {timeout: 1h}\n"
    assert problems(text, tmp_path) == ['short: the case took longer than 1h; a longer "timeout" may be given']


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    good = "{replies: {greet: a, shout: b}}"
    problems(f"{WORKFLOW}cases: {{good: {good}, bad: {good[:-1]}, expect: {{outputs: {{said: c}}}}}}}}", tmp_path)
    (tmp_path / "test.yaml").rename(tmp_path / "scenario.test.yaml")
    return tmp_path


def test_text_json_and_junit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["test", str(folder)]) == 1
    shown = capsys.readouterr().out
    assert 'outputs.said: expected "c", got "b"' in shown
    assert "1 passed, 1 failed" in shown
    run_command(["test", str(folder), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["passed"], told["failed"], [case["name"] for case in told["cases"]]) == (1, 1, ["good", "bad"])
    run_command(["test", str(folder), "--junit", str(folder / "r.xml")])
    suite = ElementTree.parse(folder / "r.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_k_chooses_and_nothing_chosen_is_an_error(folder: Path) -> None:
    assert run_command(["test", str(folder), "-k", "GOOD"]) == 0
    assert run_command(["test", str(folder), "-k", "no such case"]) == 1


def test_policy_tests_are_run_too(tmp_path: Path) -> None:
    cases = "a: {prompt: fix a typo, expect: {tier: simple}}, b: {prompt: hi, expect: {tier: x}}"
    (tmp_path / "routing.test.yaml").write_text(f"nano_flow: 1\ncases: {{{cases}}}\n")
    assert [(r.name, bool(r.problems)) for r in run_all([tmp_path], "", None)] == [("a", False), ("b", True)]


def test_a_hundred_cases_take_less_than_three_seconds(tmp_path: Path) -> None:
    case = "{replies: {greet: hi, shout: HI}, expect: {outputs: {said: HI}}}"
    cases = "".join(f"  case {n}: {case}\n" for n in range(100))
    began = time.process_time()
    assert said(f"cases:\n{cases}", tmp_path) == []
    assert time.process_time() - began < 3

"""Every bad input that a plan must refuse, in the real language: its code, and its exact place."""

from __future__ import annotations

import time

import pytest

from tests.corpus.index import Entry, entries
from tests.plan.compiling import compile_text

SECONDS = 5
"""Generous: a machine under test is busy; what hangs, hangs for minutes."""
EXPECTED = {
    "schema/211_needs_unknown.yaml": "4:26 NF302",
    "schema/213_cycle_self.yaml": "4:26 NF303",
    "schema/214_cycle.yaml": "4:26 NF303",
    "schema/223_model_no_provider.yaml": "5:25 NF341",
    "schema/227_output_schema_bad_regex.yaml": "4:88 NF317",
    "schema/229_output_schema_remote_ref.yaml": "4:40 NF318",
    "schema/231_output_schema_ref_loop.yaml": "4:73 NF318",
    "limits/301_fanout_million.yaml": "5:20 NF405",
    "template/101_syntax_unclosed.yaml": "8:20 NF401",
    "template/103_unknown_filter.yaml": "8:21 NF402",
    "template/105_undefined_step.yaml": "8:16 NF304",
    "template/107_ssti_cycler.yaml": "8:81 NF404",
    "template/109_ssti_attr_format.yaml": "8:63 NF404",
    "template/111_ssti_lipsum.yaml": "8:47 NF404",
    "template/113_cpu_nested_range.yaml": "8:24 NF405",
    "template/115_mem_str_multiply.yaml": "8:11 NF405",
    "template/117_mem_strformat_width.yaml": "8:27 NF404",
    "template/119_recursive_macro.yaml": "8:10 NF403",
    "template/121_import_template.yaml": "8:10 NF403",
    "template/123_deep_parens.yaml": "8:34 NF405",
    "template/125_env_secret.yaml": "8:14 NF309",
    "tools/401_shell_template_injection.yaml": "7:14 NF314",
    "tools/402_script_argument.yaml": "5:27 NF314",
    "tools/417_prompt_file_escape.yaml": "4:22 NF312",
    "tools/421_condition_eval.yaml": "4:31 NF404",
}
OTHERS = {
    "limits/303 fan-out nested": (
        "steps: {a: {for_each: range(1000), steps: {b: {for_each: range(1000), prompt: x}}}}\n",
        "3:23 NF323",
    ),
    "routes/321 fallback cycle": (
        "steps: {a: {prompt: x, model: openai/large, fallback: [ollama/m2, openai/large]}}\n",
        "3:67 NF346",
    ),
    "routes/323 fallback unknown": ("steps: {a: {prompt: x, fallback: zz}}\n", "3:34 NF348"),
    "tools/415 workspace root": ("workspace: /\nsteps: {a: {prompt: hello}}\n", "3:12 NF313"),
    "tools/415 workspace home": ("workspace: ~\nsteps: {a: {prompt: hello}}\n", "3:12 NF313"),
    "tools/419 http file scheme": (
        "tools: {http_get: {allow: [x]}}\nsteps: {a: {tool: http_get, with: {url: 'file:///etc/passwd'}}}\n",
        "4:41 NF330",
    ),
}


@pytest.mark.parametrize("entry", entries("REJECT_PLAN"), ids=lambda entry: entry.file)
def test_refused_with_code_and_place(entry: Entry) -> None:
    name = entry.file.rpartition("/")[2]
    started = time.monotonic()
    result = compile_text(entry.text().decode("utf-8"), file=name)
    assert time.monotonic() - started < SECONDS
    assert result.plan is None
    first = result.diagnostics[0]
    assert f"{first.where.line}:{first.where.column} {first.code}" == EXPECTED[entry.file]
    assert all(diagnostic.where.file == name for diagnostic in result.diagnostics)


@pytest.mark.parametrize("name", OTHERS)
def test_others_of_the_corpus(name: str) -> None:
    text, expected = OTHERS[name]
    result = compile_text(text)
    (error,) = [d for d in result.diagnostics if d.severity == "error"]
    assert f"{error.where.line}:{error.where.column} {error.code}" == expected
    assert result.plan is None


@pytest.mark.parametrize("entry", entries("ACCEPT"), ids=lambda entry: entry.file)
def test_what_is_good_has_a_plan(entry: Entry) -> None:
    result = compile_text(entry.text().decode("utf-8"))
    assert result.plan is not None

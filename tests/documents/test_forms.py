"""Forms that people bring from elsewhere are answered with the right one, once."""

from __future__ import annotations

import pytest

from nano_flow.core.errors import DocumentError
from nano_flow.documents.load import load_workflow

HEAD = "nano_flow: 1\nname: t\n"


def said(text: str) -> list[tuple[str, str]]:
    """Code and hint of every error."""
    with pytest.raises(DocumentError) as caught:
        load_workflow(HEAD + text, "w.yaml")
    return [(found.code, found.hint) for found in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("steps:\n- id: look\n  prompt: x\n", "NF204", "`look: {prompt: …}`"),
        ("steps:\n- look: {prompt: x}\n", "NF204", "`look: {prompt: …}`"),
        ("steps:\n- name: Look here\n  run: [ls]\n", "NF204", "`first: {run: …}`"),
        ("steps: []\n", "NF204", ""),
        ("steps: {a: {run: [ls], retry: 3}}\n", "NF204", "retry: {max_attempts: 3}"),
        ("steps: {a: {prompt: x, budget: 0.5}}\n", "NF204", "budget: {usd: 0.5}"),
        ("steps: {a: {prompt: x, budget: $2}}\n", "NF204", "budget: {usd: 2}"),
        ("limits: {budget: 0.50}\nsteps: {a: {prompt: x}}\n", "NF204", "budget: {usd: 0.50}"),
        ("budget: 0.5\nsteps: {a: {prompt: x}}\n", "NF203", "limits: {budget: {usd: 0.5}}"),
        ("steps: {a: {approve: Publish it?}}\n", "NF204", 'approve: {message: "Publish it?"}'),
        ("steps: {a: {approve: true}}\n", "NF204", 'approve: {message: "Go on?"}'),
        ("steps: {a: {run: [ls], repeat: 3}}\n", "NF204", "repeat: {max_iterations: 3, on_exhausted: continue}"),
        ("steps: {a: {run: [ls], repeat: {until: x, times: 3}}}\n", "NF203", 'did you mean "max_iterations"?'),
        ("steps: {a: {switch: '{{ inputs.x }}'}}\n", "NF204", "switch: {value: inputs.x, cases: {…}}"),
        ("steps: {a: {switch: {on: x, cases: {y: {run: [ls]}}}}}\n", "NF203", 'did you mean "value"?'),
        ("steps: {a: {run: [ls], on_failure: {b: {run: [ls]}}}}\n", "NF203", "on_error: continue"),
        ("steps: {a: {run: [ls], finally: {b: {run: [ls]}}}}\n", "NF203", 'under "finally" of the file'),
    ],
)
def test_the_right_form_is_shown(text: str, code: str, hint: str) -> None:
    ((found, shown),) = said(text)
    assert found == code
    assert hint in shown if hint else shown == ""


def test_a_condition_to_go_on_becomes_one_to_end() -> None:
    text = "steps: {a: {run: [ls], repeat: {while: '{{ output.more }}', max_iterations: 3}}}\n"
    assert said(text) == [("NF203", 'write "until" with the opposite: until: "not (output.more)"')]

"""Promise 20: no secret value appears in any artefact, however it is written; what is read back is what was written."""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import nano_flow
from nano_flow.cli.main import run_command
from nano_flow.core.events import Event
from nano_flow.library import arun
from nano_flow.steps.table import KINDS

KEY = "sk-canary/0123+456789~abcdef"
PASSWORD = "hunter2-canary-pässword"
TOKEN = "ghp_canary0123456789"

WRAPPED = (
    "import base64, os, textwrap; t = 'xx' + os.environ['SOME_API_KEY'] + '-and-some-more-text-behind-it'; "
    "print(chr(10).join(textwrap.wrap(base64.b64encode(t.encode()).decode(), 20)))"
)
DATA = "import json, os; p = os.environ['P']; print(json.dumps({'secrets': {p: [p, 'Bearer']}}))"
WORKFLOW = f"""
nano_flow: 1
name: leaky
env: [SOME_API_KEY]
# a key in the document itself: {TOKEN}
inputs:
  password: {{type: string, secret: true}}
  header: {{type: string, default: none}}
steps:
  plain:
    run: [python3, -c, "import os; print(os.environ['SOME_API_KEY'])"]
    env: {{SOME_API_KEY: "{{{{ env.SOME_API_KEY }}}}"}}
  wrapped: {{run: [python3, -c, "{WRAPPED}"], env: {{SOME_API_KEY: "{{{{ env.SOME_API_KEY }}}}"}}}}
  data: {{run: [python3, -c, "{DATA}"], env: {{P: "{{{{ inputs.password }}}}"}}, output_schema: {{type: object}}}}
  model: {{prompt: "say {{{{ steps.data.output.secrets }}}}", model: sim/small, cache: true}}
  note: {{set: {{header: "{{{{ inputs.header }}}}"}}}}
  fails:
    run: [bash, -c, 'echo "bad: $SOME_API_KEY" >&2; exit 3']
    env: {{SOME_API_KEY: "{{{{ env.SOME_API_KEY }}}}"}}
    on_error: continue
  schema:
    run: [bash, -c, 'printf "\\"%s\\"" "$SOME_API_KEY"']
    env: {{SOME_API_KEY: "{{{{ env.SOME_API_KEY }}}}"}}
    output_schema: {{type: string, pattern: "^x"}}
    on_error: continue
  ask: {{approve: {{message: "really {{{{ inputs.header }}}}?", input: {{type: string}}}}}}
  reads:
    needs: [ask]
    run: [bash, -c, 'cat > seen.txt']
    stdin: "{{{{ steps.plain.output.stdout }}}}|{{{{ steps.ask.output.input }}}}|{{{{ steps.data.output.secrets }}}}"
outputs: {{all: "{{{{ steps.plain.output.stdout }}}} {{{{ steps.note.output }}}}"}}
"""

PROVIDERS = """
nano_flow: 1
providers:
  sim:
    adapter: sim
    script: {model: "the password is hunter2-canary-pässword"}
    models: {small: {context_window: 32k, max_output_tokens: 4k}}
"""


def spellings(secret: str) -> set[str]:
    raw = secret.encode()
    forms = {secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")}
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(bytes(before) + raw).decode()[first:end])
    return forms


def leaks(text: str) -> list[str]:
    """The secrets in ``text``, also across line breaks."""
    compact = re.sub(r"\\\\n|\\n|\s", "", text)
    return [
        f"{secret[:12]}: {form[:16]}"
        for secret in (KEY, PASSWORD, TOKEN)
        for form in spellings(secret)
        if form in text or re.sub(r"\s", "", form) in compact
    ]


def everything(folder: Path) -> str:
    """All that the state folder holds: files as bytes, rows of databases."""
    found = []
    for path in (folder / ".nano-flow").rglob("*"):
        if path.is_file():
            found.append(path.read_bytes().decode("utf-8", "replace"))
            if path.suffix == ".db":
                with sqlite3.connect(path) as db:
                    found += db.iterdump()
    return "\n".join(found)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOME_API_KEY", KEY)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    (tmp_path / "leaky.yaml").write_text(WORKFLOW)
    (tmp_path / "providers.yaml").write_text(PROVIDERS)
    return tmp_path


def start(folder: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "nano_flow", *words]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_no_channel_shows_a_secret_and_a_resume_reads_what_was_written(project: Path) -> None:
    code, said = start(
        project, "run", "leaky.yaml", "-i", f"password={PASSWORD}", "-i", f"header=Bearer {TOKEN}", "--json=events"
    )
    assert code == 6, said
    shown = [said]
    for words in (
        *(["runs", "show", "last"], ["runs", "show", "last", "--json"], ["runs", "logs", "last"], ["approvals"]),
        *(
            ["runs", "export", "last"],
            ["cost", "--by", "step"],
            ["cache", "show"],
            ["graph", "leaky.yaml", "--run", "last"],
        ),
    ):
        shown.append(start(project, *words)[1])
    code, told = start(project, "approvals", "answer", "last", "ask", "approve", "--input", json.dumps(f"use {KEY}"))
    assert code == 0, told
    shown += [told, everything(project)]
    assert [leaks(text) for text in shown] == [[]] * len(shown)

    code, said = start(project, "resume", "last", "-i", f"password={PASSWORD}", "-vv")
    assert code == 0, said
    assert leaks(said + everything(project)) == []
    kept = json.dumps({PASSWORD: [PASSWORD, "Bearer"]}, ensure_ascii=False)
    assert (project / "seen.txt").read_text() == f"{KEY}|use {KEY}|{kept}"


def test_a_secret_that_is_gone_stops_a_resume_with_its_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert start(project, "run", "leaky.yaml", "-i", f"password={PASSWORD}", "-q")[0] == 6
    code, said = start(project, "resume", "last", "-q")
    assert (code, "-i password=" in said) == (2, True), said
    monkeypatch.delenv("SOME_API_KEY")
    code, said = start(project, "resume", "last", "-i", f"password={PASSWORD}", "-q")
    assert (code, "set the variable SOME_API_KEY" in said) == (2, True), said


def test_events_that_a_program_sees_are_clean(project: Path) -> None:
    import asyncio

    seen: list[Event] = []

    class Sink:
        def handle(self, event: Event) -> None:
            seen.append(event)

        def close(self) -> None:
            pass

    asyncio.run(arun("leaky.yaml", {"password": PASSWORD, "header": TOKEN}, sinks=(Sink(),)))
    assert leaks(repr(seen)) == []


def test_ordinary_words_are_no_secrets(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_REGION_NAME", "eu-central-1")
    monkeypatch.setenv("VERTEXAI_PROJECT", "my-project-name")
    monkeypatch.setenv("AZURE_API_BASE", "https://example.openai.azure.com")
    text = "deploy to production in eu-central-1 for my-project-name at https://example.openai.azure.com"
    (project / "w.yaml").write_text(
        f"nano_flow: 1\nname: w\nsteps: {{a: {{run: [echo, '{text}']}}, p: {{prompt: hello}}}}\n"
        "outputs: {o: '{{ steps.a.output.stdout }}'}\n"
    )
    (project / "providers.yaml").unlink()
    result: Any = nano_flow.run("w.yaml", options=nano_flow.RunOptions(offline=True))
    assert result.outputs == {"o": text}


def test_the_report_of_a_defect_is_clean(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise TypeError(f"broken by {KEY} and {PASSWORD}")

    (project / "w.yaml").write_text(
        "nano_flow: 1\nname: w\ninputs: {p: {type: string, secret: true}}\nsteps: {a: {set: {x: 1}}}\n"
    )
    changed = replace(KINDS["set"], execute_now=explode)
    monkeypatch.setitem(KINDS, "set", changed)  # type: ignore[arg-type]
    assert run_command(["run", "w.yaml", "-i", f"p={PASSWORD}", "-q"]) == 70
    (report,) = (project / ".nano-flow").glob("defect-*.txt")
    assert "broken by *** and ***" in report.read_text()
    assert leaks(everything(project)) == []

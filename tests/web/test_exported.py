"""A run as one file, its artifacts, and as a test case: complete, readable from disk, and safe to open."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import build_opener

import pytest

from nano_flow.web import exported
from nano_flow.web.security.tokens import Role
from tests.cli.said import Said
from tests.web.shop import HOSTILE, Shop

DONE = """nano_flow: 1
name: done
steps:
  say: {prompt: Say hello}
  each: {for_each: [a, b], as: x, prompt: "Of {{ x }}"}
  cmd: {needs: [say], run: [sh, -c, "echo out; echo err >&2"]}
outputs: {text: "{{ steps.say.output }}", list: [1, 2], up: "{{ steps.cmd.output }}"}
"""


def test_a_file_has_the_views_of_the_pages(
    seen: tuple[Shop, str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shop, asks, failed = seen
    said = Said(capsys)
    words = ("-C", str(shop.folder), "--state-dir", str(shop.state))
    said(*words, "runs", "export", asks, "--format", "html", "-o", str(tmp_path / "run.html"))
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    shown = said.json(*words, "runs", "show", asks)
    for step in shown["steps"]:
        assert step["address"] in text
    assert f"~${shown['cost']['simulated_usd']} simulated" in text and 'class="node waiting"' in text
    assert "Outline alpha, beta" in text and "Why this model" in text and "$0." in text
    for target in re.findall(r'href="#(s-[^"]+)"', text):
        from urllib.parse import unquote

        address = unquote(target).removeprefix("s-")
        assert f'id="s-{address}"' in text or address in ("ask", "tell"), address
    broken = said(*words, "runs", "export", failed, "--format", "html")
    assert HOSTILE not in broken and "&lt;script&gt;" in broken and "exit code 3" in broken


def test_a_file_asks_nobody_for_anything_and_runs_nothing(seen: tuple[Shop, str, str]) -> None:
    shop, asks, failed = seen
    for run in (asks, failed):
        text = exported.run_as_html(shop.place, run)
        assert "<script" not in text and not re.search(r"<[^>]+\son[a-z]+=|javascript:", text)
        assert not re.search(r'(src|href|action)="(?!#)', text) and "<form" not in text and "@import" not in text
        assert "default-src 'none'" in text and " ago<" not in text


def test_a_file_names_what_it_leaves_out(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "_MOST", 1)
    run = shop.run("broken.yaml", code=1)
    text = exported.run_as_html(shop.place, run)
    assert 'id="s-fail"' in text and 'id="s-say"' not in text  # what failed comes first
    assert "1 more executions are not in this file" in text


def test_a_run_that_is_not_there_leaves_no_file(
    seen: tuple[Shop, str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shop, _, _ = seen
    words = ("-C", str(shop.folder), "--state-dir", str(shop.state), "runs", "export", "nosuch", "--format", "html")
    Said(capsys)(*words, "-o", str(tmp_path / "x.html"), code=2)
    assert not (tmp_path / "x.html").exists()


def test_artifacts_are_those_of_the_list_and_nothing_else(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    (shop.folder / "done.yaml").write_text(DONE)
    run = shop.run("done.yaml")
    client, base = shop.client(), f"/api/v1/runs/{run}/artifacts"
    listed = client.get(base).json()
    names = [one["name"] for one in listed["artifacts"]]
    assert listed["schema"] == "nano-flow/artifacts@1" and listed["run_id"] == run
    assert names[:3] == ["outputs/text.txt", "outputs/list.json", "outputs/up.json"] and "run.html" in names
    for one in listed["artifacts"]:
        answer = client.get(f"{base}/{one['name']}")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(one["media_type"])
        assert answer.headers["content-disposition"].startswith("attachment")
        assert one["size"] in (None, len(answer.content))
    assert client.get(f"{base}/outputs/list.json").json() == [1, 2]
    words = ("-C", str(shop.folder), "--state-dir", str(shop.state), "runs", "export", run, "--format", "csv")
    capsys.readouterr()
    assert client.get(f"{base}/ledger.csv").text == Said(capsys)(*words)
    for name in ("outputs/none.txt", "..%2f..%2fdone.yaml", "/etc/passwd", "done.yaml", "outputs/..%2ftext.txt"):
        assert client.get(f"{base}/{name}").status_code == 404, name
    assert shop.client(None).get(f"{base}/ledger.csv").status_code == 401
    page = client.get(f"/runs/{run}").text
    assert all(f"/api/v1/runs/{run}/artifacts/{name}" in page for name in names)


def test_a_run_is_copied_as_a_case_that_passes(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    (shop.folder / "done.yaml").write_text(DONE)
    run = shop.run("done.yaml")
    case = shop.client().get(f"/runs/{run}/case")
    assert case.headers["content-disposition"] == f'attachment; filename="{run}.test.yaml"'
    (shop.folder / "done.test.yaml").write_text(case.text)
    said = Said(capsys)
    assert "1 passed" in said("-C", str(shop.folder), "test", "done.test.yaml")
    (shop.folder / "done.test.yaml").write_text(case.text.replace("out", "other", 1))
    said("-C", str(shop.folder), "test", "done.test.yaml", code=1)
    failed = shop.run("broken.yaml", code=1)
    answer = shop.client().get(f"/runs/{failed}/case")
    assert answer.status_code == 404 and "a run that succeeded" in answer.text


def test_the_page_of_a_run_is_there_while_it_runs(tmp_path: Path) -> None:
    """``run --web`` in a pipe: the address on stderr, the outputs on stdout, and an end with the run's."""
    (tmp_path / ".git").mkdir()
    go = tmp_path / "go"
    flow = (
        f'nano_flow: 1\nname: w\nsteps:\n  a: {{run: [sh, -c, "while [ ! -e {go} ]; do sleep 0.05; done; echo hi"]}}\n'
    )
    (tmp_path / "w.yaml").write_text(flow + 'outputs: {a: "{{ steps.a.output }}"}\n')
    command = [sys.executable, "-m", "nano_flow", "run", "w.yaml", "--web"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr is not None and process.stdout is not None
        try:
            address = next(line.strip() for line in process.stderr if line.startswith("http://127.0.0.1:"))
            from http.cookiejar import CookieJar
            from urllib.request import HTTPCookieProcessor, ProxyHandler

            opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
            opener.open(address, timeout=20).close()
            with opener.open(address.partition("?")[0], timeout=20) as answer:
                assert "running" in answer.read().decode()
        finally:
            go.touch()
        began = time.monotonic()
        assert "hi" in process.stdout.read() and process.wait(30) == 0
        assert time.monotonic() - began < 30


def test_detached_runs_have_no_page_of_their_own(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    said = Said(capsys)
    said("-C", str(shop.folder), "run", "note.yaml", "--web", "--detach", code=2)
    assert "nano-flow serve shows it" in said.err


def test_events_are_exported_as_they_are(seen: tuple[Shop, str, str]) -> None:
    shop, asks, _ = seen
    lines = shop.client(Role.read).get(f"/api/v1/runs/{asks}/artifacts/events.jsonl").text.splitlines()
    assert json.loads(lines[0])["event"] == "RunStarted"

"""Promises 15 to 22: what documents, models, tools and browsers cannot do."""

from __future__ import annotations

import ast
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

import nano_flow
from nano_flow.core.errors import DocumentError, StepError
from nano_flow.documents.load import load_workflow
from nano_flow.tools.files.tool import FILE_TOOLS
from nano_flow.tools.files.workspace import Workspace
from nano_flow.tools.web.addresses import plain, refusal
from tests.cli.said import Said
from tests.tools.places import SECRET, hostile
from tests.web.shop import HOSTILE, opened

__all__ = ["hostile"]
HEAD = "nano_flow: 1\nname: w\n"
ENGINE = Path(nano_flow.__file__).parent


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    return Said(capsys)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
HUGE = {
    "aliases": f"{HEAD}steps: {{a: {{set: {{x: 1}}}}}}\n{BOMB}",
    "depth": f"{HEAD}steps: {'{a: {steps: ' * 2_000}",
    "width": f"{HEAD}steps:\n" + "".join(f"  s{n}: {{set: {{x: '{{{{ 1 }}}}'}}}}\n" for n in range(20_000)),
    "a pattern": f"{HEAD}inputs: {{x: {{type: string, pattern: '{'(a+)+' * 300}'}}}}\n"
    "steps: {a: {set: {x: 1}}}\n",
    "a template": f"{HEAD}steps: {{a: {{set: {{x: '{{{{ {'(' * 3_000}1{')' * 3_000} }}}}'}}}}}}\n",
}
_BOUNDED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from nano_flow.cli.main import run_command
code = run_command(["validate", "w.yaml"])
# VmHWM is this program's own; ru_maxrss begins at what the process that was forked had.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("what", HUGE)
def test_promise_15_documents_are_judged_within_bounds_with_a_place_and_no_trace(what: str, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(HUGE[what])
    done = subprocess.run(
        [sys.executable, "-c", _BOUNDED],
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(sys.path)},
        text=True,
        capture_output=True,
    )
    assert done.returncode in (0, 3) and "Traceback" not in done.stderr + done.stdout
    assert done.returncode == 0 or "w.yaml:" in done.stdout
    assert int(done.stderr.split()[-1]) < 256, "MiB"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.yaml"]


@pytest.mark.parametrize("tool", FILE_TOOLS)
@pytest.mark.parametrize(
    "path",
    [
        "../out/secret.txt",
        "linkdir/secret.txt",
        "dangling",
        "hard",
        "sub/../../out/secret.txt",
        "OUT",
        "/etc/passwd",
        "fifo",
    ],
)
def test_promise_16_no_file_tool_leaves_the_workspace(hostile: Workspace, tool: str, path: str) -> None:
    arguments = {"content": "x", "old": "sk", "new": "x", "text": "sk-"}
    wanted = {key: arguments[key] for key in FILE_TOOLS[tool][0].parameters["properties"] if key in arguments}  # type: ignore[union-attr,index]
    try:
        result = FILE_TOOLS[tool][1](hostile, {"path": path, **wanted})
    except StepError:
        result = None
    assert SECRET not in str(result)
    out = Path(hostile.root).parent / "out"
    assert (out / "secret.txt").read_text() == SECRET and [path.name for path in out.iterdir()] == ["secret.txt"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::ffff:10.0.0.1",
    ],
)
def test_promise_17_addresses_inside_are_refused_however_they_are_written(address: str) -> None:
    assert refusal(plain(ip_address(address))) != ""
    assert refusal(ip_address("93.184.216.34")) == refusal(ip_address("2606:2800:220:1::1")) == ""


@pytest.mark.parametrize(
    ("run", "code"),
    [
        ("[sh, -c, 'echo {{ inputs.x }}']", 3),
        ("'echo {{ inputs.x }}'", 3),
        ("[sort, '{{ inputs.x }}']", 1),
        ("[env, '{{ inputs.x }}', date]", 1),
        ("[echo, --, '{{ inputs.x }}']", 0),
    ],
)
def test_promise_18_values_reach_commands_as_values_only(said: Said, run: str, code: int) -> None:
    Path("w.yaml").write_text(f"{HEAD}inputs: {{x: {{type: string}}}}\nsteps: {{a: {{run: {run}}}}}\n")
    said("run", "w.yaml", "-q", "-i", "x=--output=owned; touch owned", code=code)
    assert not Path("owned").exists()


def test_promise_19_a_tool_that_a_step_does_not_list_is_not_called(said: Said) -> None:
    Path("providers.yaml").write_text(
        "nano_flow: 1\nproviders:\n  sim:\n    adapter: sim\n    script:\n"
        "      a: {turns: [{calls: [{tool: write_file, with: {path: owned, content: x}}]}, done]}\n"
        "    models: {small: {context_window: 32k, max_output_tokens: 4k, can: [tools]}}\n"
    )
    Path("w.yaml").write_text(HEAD + "steps: {a: {prompt: go, model: sim/small, tools: [read_file]}}\n")
    said("run", "w.yaml", "-q")
    assert not Path("owned").exists()
    shown = said("runs", "show", "last", "--step", "a")
    assert "write_file" in shown and "done" in shown


def test_promise_20_a_key_is_nowhere(said: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = "sk-canary-0123456789abcdef"
    monkeypatch.setenv("SOME_API_KEY", key)
    Path("w.yaml").write_text(
        f"{HEAD}env: [SOME_API_KEY]\nsteps:\n  a: {{run: [sh, -c, 'echo $K; exit 1'], "
        "env: {K: '{{ env.SOME_API_KEY }}'}}\n"
    )
    said("run", "w.yaml", code=1)
    shown = said.out + said.err + said("runs", "show", "last") + said("runs", "logs", "last")
    kept = b"".join(path.read_bytes() for path in (tmp_path / ".nano-flow").rglob("*") if path.is_file())
    assert key not in shown and key.encode() not in kept and "***" in shown


def test_promise_21_the_pages_want_a_token_the_right_host_and_origin(tmp_path: Path) -> None:
    shop = opened(tmp_path)
    run = shop.run("broken.yaml", code=1)
    for headers in ({}, {"authorization": "Bearer wrong"}):
        assert shop.client(None).get("/runs", headers=headers).status_code == 401
    assert shop.client().get("/runs", headers={"host": "evil.example"}).status_code == 403
    refused = shop.client().post(f"/runs/{run}/cancel", headers={"origin": "http://evil.example"})
    assert refused.status_code in (403, 404, 405)
    page = shop.client().get(f"/runs/{run}")
    assert page.status_code == 200 and HOSTILE not in page.text and "alert(1)" in page.text


BANNED_NAMES = {"eval", "exec", "__import__"}
BANNED_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}


def test_promise_22_nothing_is_unpickled_or_evaluated(tmp_path: Path) -> None:
    found = []
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names = [node.func.id] if node.func.id in BANNED_NAMES else []
            bad = [name for name in names if name.partition(".")[0] in BANNED_MODULES | BANNED_NAMES]
            found += [f"{path.relative_to(ENGINE)}:{node.lineno} {name}" for name in bad]  # type: ignore[attr-defined]
    assert found == []
    tag = f"!!python/object/apply:os.system ['touch {tmp_path}/owned']"
    with pytest.raises(DocumentError):
        load_workflow(f"{HEAD}steps: {{a: {{set: {{x: {tag}}}}}}}\n", "w.yaml")
    assert not (tmp_path / "owned").exists()

"""A small project with a history, and the server that shows it, for tests of pages and of the API."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from starlette.testclient import TestClient

from nano_flow.cli.main import run_command
from nano_flow.operations.place import Place
from nano_flow.ports.store import Store
from nano_flow.web.app import build_app
from nano_flow.web.security.origins import Origins
from nano_flow.web.security.tokens import Role, Token, Tokens
from nano_flow.web.site import Site

PORT = 8420
BASE = f"http://127.0.0.1:{PORT}"
TOKENS = {role: Token(f"{role.name}-{'x' * 24}", role, role.name) for role in Role}
HOSTILE = "<script>alert(1)</script>"
NOTE = """nano_flow: 1
name: note
description: Writes a note on each topic, and asks before it is published.
inputs:
  topics: {type: array, items: {type: string}, default: [alpha, beta]}
  tone: {type: string, default: plain}
steps:
  outline: {prompt: "Outline {{ inputs.topics | join(', ') }}"}
  write:
    for_each: "{{ inputs.topics }}"
    as: topic
    prompt: "Write of {{ topic }} by {{ steps.outline.output }}"
  ask:
    needs: [write]
    approve:
      message: "Publish <b>{{ steps.write.output | length }}</b> notes?"
      options: [publish, discard]
      input: {type: object, required: [title], properties: {title: {type: string}, stars: {type: integer, maximum: 5}}}
  tell:
    when: steps.ask.output.decision == "publish"
    prompt: "Announce {{ steps.ask.output.input.title }}, {{ inputs.tone }}"
outputs: {note: "{{ steps.tell.output }}"}
"""
BROKEN = f"""nano_flow: 1
name: broken
steps:
  say: {{run: [sh, -c, "echo '{HOSTILE}'"]}}
  fail: {{needs: [say], run: [sh, -c, "echo '{HOSTILE}' >&2; exit 3"]}}
  never: {{needs: [fail], prompt: never}}
"""


@dataclass(frozen=True)
class Shop:
    """The project in ``folder``; ``app`` shows it."""

    folder: Path
    state: Path

    @property
    def place(self) -> Place:
        """Where operations on it happen."""
        return Place(self.state, None, {"PATH": os.environ["PATH"]}, self.folder)

    @property
    def store(self) -> Store:
        """Its store."""
        return self.place.store

    def site(self, **changes: object) -> Site:
        """The site, with a token for each role."""
        return Site(
            self.place,
            Tokens(list(TOKENS.values())),
            Origins("127.0.0.1", PORT),
            **changes,  # type: ignore[arg-type]
        )

    def client(self, role: Role | None = Role.read, site: Site | None = None) -> TestClient:
        """A program that has a token of ``role``; None: no token."""
        headers = {"authorization": f"Bearer {TOKENS[role].secret}"} if role else {}
        app = build_app(site or self.site())
        return TestClient(app, base_url=BASE, headers=headers, follow_redirects=False)

    def run(self, file: str, *words: str, code: int = 0) -> str:
        """Run a workflow on simulated models; the id of the run."""
        words = ("-C", str(self.folder), "--state-dir", str(self.state), "-q", "run", file, "--offline", *words)
        assert run_command(words) == code
        with self.store.reader() as reader:
            return reader.find_run("last").run_id


def opened(folder: Path) -> Shop:
    """A shop without a history in ``folder``."""
    (folder / ".git").mkdir()
    (folder / "note.yaml").write_text(NOTE)
    (folder / "broken.yaml").write_text(BROKEN)
    return Shop(folder, folder / ".nano-flow")

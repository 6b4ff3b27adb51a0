"""Makes the pictures of the README and of docs/service.md: ``python -m tests.web.screenshots docs/images``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver

from tests.web.browser import chromium, resize, served

RELEASE = """nano_flow: 1
name: release-notes
description: Reads every change since the last release, writes the notes, asks before they are published.
inputs:
  changes: {type: array, items: {type: string}, default: [routing, budgets, resume, caches, tools, schemas, retries]}
steps:
  collect: {run: [sh, -c, "echo 7 changes since 1.4"]}
  summarize:
    needs: [collect]
    for_each: "{{ inputs.changes }}"
    as: change
    max_parallel: 4
    prompt: "Summarize the change to {{ change }} for people who use it, in two sentences."
  draft:
    prompt: "Write release notes from: {{ steps.summarize.output | join(' ') }}"
  review:
    prompt: "Review these notes for claims that the changes do not support: {{ steps.draft.output }}"
  publish:
    needs: [review]
    approve:
      message: "Publish the notes of 1.5? Seven changes, no unsupported claim."
      options: [publish, revise]
      input: {type: object, required: [title], properties: {title: {type: string, maxLength: 80}}}
  announce:
    when: steps.publish.output.decision == "publish"
    prompt: "Announce {{ steps.publish.output.input.title }}"
outputs: {notes: "{{ steps.draft.output }}"}
"""
TRIAGE = """nano_flow: 1
name: ticket-triage
description: Sorts a ticket, and answers what is simple.
inputs: {ticket: {type: string, default: The export hangs since yesterday}}
steps:
  classify: {prompt: "Which team does this ticket belong to? {{ inputs.ticket }}"}
  lookup: {needs: [classify], run: [sh, -c, "echo 'no such queue: exports' >&2; exit 4"]}
  answer: {needs: [lookup], prompt: "Answer {{ inputs.ticket }}"}
"""
PICTURES = (
    ("now", "/", 1280, False),
    ("run", "/runs/last", 1280, False),
    ("run-dark", "/runs/last", 1280, True),
    ("step", "/runs/last/draft", 1280, False),
)


def make(target: Path) -> None:
    """All pictures, from a project of their own."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "handbook"
        folder.mkdir()
        (folder / ".git").mkdir()
        (folder / "release-notes.yaml").write_text(RELEASE)
        (folder / "ticket-triage.yaml").write_text(TRIAGE)
        for file in ("ticket-triage", "ticket-triage", "release-notes"):
            command = [sys.executable, "-m", "nano_flow", "-q", "run", f"{file}.yaml", "--offline", "--no-input"]
            subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with served(folder, "--allow", "answer,run") as address:
            for picture, path, width, dark in PICTURES:
                with chromium(Path(name) / picture, width, 900, dark=dark) as browser:
                    browser.get(address)
                    time.sleep(1)
                    browser.get(address.partition("/?")[0] + path)
                    time.sleep(2)
                    _save(browser, target / f"{picture}.png", width)


def _save(browser: webdriver.Chrome, file: Path, width: int) -> None:
    height = int(browser.execute_script("return document.documentElement.scrollHeight"))
    resize(browser, width, min(height, 1400))
    time.sleep(0.5)
    browser.save_screenshot(str(file))


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))

"""``workspace: fresh`` and ``workspace: {git: URL, ref: R}``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.workflow import CheckoutDocument
from nano_flow.plan.draft import Draft, join, problem
from nano_flow.plan.plan import OwnWorkspace

FRESH = "fresh"
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^/@]*)@)?[^/]*/.+|[A-Za-z0-9._-]+@[^/:]+:.+")
_SCHEMES = frozenset({"https", "http", "ssh", "git", "file"})
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+@-]{0,199}")


def own_workspace(draft: Draft) -> OwnWorkspace | None:
    """What a run of the file gets for itself; None where it works in a folder that is there."""
    written = draft.document.workspace
    if written is None or isinstance(written, str):
        return OwnWorkspace() if written == FRESH else None
    address = _ADDRESS.fullmatch(written.git)
    if address is None:
        return OwnWorkspace(join(draft.path.rpartition("/")[0] or "/", written.git), written.ref or "")
    return OwnWorkspace(written.git, written.ref or "", remote=address["scheme"] != "file")


def repository_faults(draft: Draft, written: CheckoutDocument) -> Iterator[Diagnostic]:
    """What is wrong with the address of a repository, and with what is wanted of it."""
    at = ("workspace", "git")
    reason, hint = _fault(written.git)
    if reason:
        yield problem("NF313", f"the repository {reason}", draft.where(at), at=at, hint=hint)
    if written.ref is not None and (_REF.fullmatch(written.ref) is None or ".." in written.ref or "@{" in written.ref):
        at = ("workspace", "ref")
        message = f'"{ascii(written.ref)[1:-1]}" is no name of a branch, a tag or a commit'
        yield problem("NF313", message, draft.where(at), at=at, hint="such as `main`, `v1.2` or a commit")


def _fault(git: str) -> tuple[str, str]:
    shown = ascii(git)[1:-1]
    address = _ADDRESS.fullmatch(git)
    if any(not c.isprintable() for c in git) or "{{" in git or "${" in git:
        return f'"{shown}" is no address: it takes no template and no variable', "write it as git clone takes it"
    if address is not None and address["user"] and ":" in address["user"]:
        hint = "leave it out: git asks its credential helper, or give a key by ssh"
        return "has a password in its address: it would stand in this file", hint
    if address is not None and address["scheme"] and address["scheme"].lower() not in _SCHEMES:
        return f'"{shown}" has a scheme that is not fetched from', "write https, ssh, git, http or file"
    if address is None and (git.startswith(("-", "~")) or "::" in git or ":" in git.partition("/")[0]):
        return f'"{shown}" is no address', "write https://HOST/PATH, git@HOST:PATH, or a folder relative to this file"
    return "", ""

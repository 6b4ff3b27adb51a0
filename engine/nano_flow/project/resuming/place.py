"""Where the workflow of a recorded run lies now: checkouts are moved, mounted and restored as a whole."""

from __future__ import annotations

import os
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.ports import RunRecord


def place_of(file: str, state: Path) -> str:
    """The path of a workflow as the store beside it remembers it: relative to the folder that the state lies in."""
    return os.path.relpath(os.path.abspath(file), _root(state))


def found_file(record: RunRecord, state: Path, named: str | None = None) -> str:
    """The file that a run goes on with: ``named``, else beside the store as it was, else where it was.

    Raises UsageError where there is none.
    """
    if named is not None:
        if not os.path.exists(named):
            raise UsageError(f'there is no file "{named}"')
        return os.path.abspath(named)
    candidates = [os.path.normpath(os.path.join(_root(state), record.place))] if record.place else []
    candidates.append(record.file)
    for candidate in candidates:
        if os.path.exists(candidate):
            return candidate
    raise UsageError(
        f'the workflow of run "{record.run_id}" is not at "{candidates[0]}" any more; '
        f'"nano-flow resume {record.run_id} --file FILE" names it'
    )


def _root(state: Path) -> str:
    return os.path.dirname(os.path.abspath(state))

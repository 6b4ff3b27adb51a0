"""``run --output NAME`` and ``--output-file F``: the value that a run was made for, alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json


@dataclass(frozen=True, slots=True)
class Handing:
    """Which output goes where: to standard output, or to a file whose name says its form."""

    name: str | None
    path: Path | None

    def __call__(self, options: Options, document: Mapping[str, Json]) -> None:
        """Hand over what the run gave. Raises UsageError, which says where the outputs are kept."""
        from nano_flow.operations.runs.giving import as_text, chosen, write_value

        if document["status"] != "succeeded":
            from nano_flow.views.text import run_text

            output.note(run_text(document))
            return
        try:
            value = chosen(document["outputs"], self.name)
            if self.path is not None:
                write_value(self.path, value)
                output.note(f'wrote "{output.clean(self.path)}"')
                return
        except UsageError as error:
            run = document["run_id"]
            raise UsageError(f"{error}\nthe outputs are kept: nano-flow runs show {run} --json") from error
        text = json.dumps(value, ensure_ascii=False, indent=2) if options.json else as_text(value)
        if sys.stdout.isatty():
            output.data(output.clean(text))
        else:  # a pipe gets the data as they are
            output.whole(text)

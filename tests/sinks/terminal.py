"""A terminal for tests: what a person sees after all that was written to it."""

from __future__ import annotations

import io
import re

_TOKEN = re.compile(r"\x1b\[(\d*)([A-Za-z])|(\n)|([^\x1b\n]+)")


class Terminal(io.StringIO):
    """Takes text and the few sequences that the picture uses; anything else fails the test."""

    def screen(self) -> list[str]:
        """The lines on the screen, without trailing spaces."""
        lines, row, column = [""], 0, 0
        for number, command, newline, text in _TOKEN.findall(self.getvalue()):
            if newline:
                row, column = row + 1, 0
                lines.extend([""] * (row + 1 - len(lines)))
            elif command == "F":
                row, column = row - int(number), 0
                assert row >= 0, "the picture climbs above what it drew"
            elif command == "K":
                lines[row] = lines[row][:column]
            elif command == "J":
                lines[row:] = [lines[row][:column]]
            else:
                assert text, f"an escape sequence that no test knows: {command}"
                assert text.isprintable()
                lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
                column += len(text)
        return [line.rstrip() for line in lines]

"""The arguments of a command."""

# No "from __future__ import annotations": Pydantic would parse every annotation of every class again at start-up.
from typing import Annotated, Literal

from pydantic import Field

from nano_flow.documents.common import Argument, Document, Items, Part


class ArgumentDocument(Document):
    """One argument of a command whose value may begin with `-`."""

    arg: Argument
    """The argument: a template."""
    dash: Literal["allow"]
    """A value that begins with `-` is meant as an option."""


CommandLine = Annotated[Items[Argument | Part[ArgumentDocument]], Field(min_length=1)]
"""The arguments of a command, the program first."""

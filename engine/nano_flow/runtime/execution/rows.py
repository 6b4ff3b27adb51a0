"""The items of a fan-out that stand in a file of the workspace."""

from __future__ import annotations

from collections.abc import Callable

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.source.tables import LISTS, ending_of, list_endings


def rows_of(path: str, read_file: Callable[[str], bytes]) -> list[Json]:
    """The items in the file at ``path``, by how its name ends. StepError where they cannot be read."""
    read = LISTS.get(ending_of(path))
    if read is None:
        raise StepError("for_each", f'"for_each" reads {list_endings()}, and this is "{path}"')
    try:
        return read(read_file(path).decode("utf-8"))
    except StepError as error:
        raise StepError("for_each", f'"for_each" reads a file of the workspace: {error}') from None
    except UnicodeDecodeError:
        raise StepError("for_each", f'"for_each": "{path}" is not UTF-8 text') from None
    except ValueError as error:
        raise StepError("for_each", f'"for_each": "{path}": {error}') from None

"""JSON Schema as values are judged by it: under a meter, with patterns that cannot hang, and nothing is fetched."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping

from nano_flow.core.messages import Json
from nano_flow.source.judging.combined import RULES
from nano_flow.source.judging.judge import Judge, Unusable
from nano_flow.source.judging.meter import USUAL, Meter, Patience, TooLong, steps_for

_LONGEST = 300
"""Characters of one complaint."""


def complaints(value: Json, schema: Mapping[str, Json], most: int = 5, *, patience: Patience = USUAL) -> list[str]:
    """What is wrong with ``value``, the first ``most`` violations as ``path: message``; empty where nothing is.

    Raises TooLong where a short ``patience`` is not enough, or its ``stop`` was heard; else that is a complaint.
    """
    steps = patience.steps or steps_for(value)
    root = _ready(json.dumps(schema, sort_keys=True))
    judge = Judge(root, Meter(steps, patience.stop), RULES)
    found: list[str] = []
    try:
        for fault in judge.faults(value, root):
            path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.path).lstrip(".")
            found.append(f"{path or 'the value'}: {fault.message[:_LONGEST]}")
            if len(found) == most:
                break
    except Unusable as error:
        found.append(f"its schema cannot be used: {str(error)[:_LONGEST]}")
    except RecursionError:
        found.append("the value or its schema is nested too deeply")
    except TooLong:
        if patience.is_short or patience.stop():
            raise
        found.append(f"the value takes more than {steps:,} steps to judge by its schema, and is not judged further")
    return found


@functools.lru_cache(maxsize=256)
def _ready(schema_json: str) -> Json:
    """A schema given as JSON text, keywords in the order of their names."""
    root: Json = json.loads(schema_json)
    return root

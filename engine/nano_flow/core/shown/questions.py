"""What a person was asked, as a digest: an answer serves only the question that it was given to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from nano_flow.core.events import ApprovalAsked
from nano_flow.core.messages import Json


def question_fingerprint(message: str, options: Sequence[str], input_schema: Mapping[str, Json] | None) -> str:
    """The digest of a question as it is read: its message, its options in their order, and the input that it wants."""
    text = json.dumps([message, list(options), input_schema], sort_keys=True, default=dict)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def fingerprint_of(asked: ApprovalAsked) -> str:
    """The fingerprint that a question carries; one of an older store is computed from what it says."""
    return asked.fingerprint or question_fingerprint(asked.message, asked.options, asked.input_schema)

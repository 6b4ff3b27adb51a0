"""The messages that an agent step begins with."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nano_flow.core.errors import StepError
from nano_flow.core.messages import Attachment, Json, Message, ToolCall
from nano_flow.core.text import as_text
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.steps.context import Execution

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True, slots=True)
class Said:
    """A conversation that is over: all its messages, and what of them the authors of its steps wrote."""

    messages: tuple[Message, ...] = ()
    written: str = ""


def said_json(said: object) -> Json:
    """A conversation as plain data, for whoever goes on with it in another process; None for none."""
    if not isinstance(said, Said):
        return None
    messages: list[Json] = [asdict(message) for message in said.messages]
    return {"messages": messages, "written": said.written}


def read_said(data: Json) -> Said:
    """What ``said_json`` made. ValueError for anything else."""
    if not isinstance(data, dict) or not isinstance(messages := data.get("messages"), list):
        raise ValueError("not a conversation")
    return Said(tuple(_message(message) for message in messages), str(data.get("written", "")))


def _message(data: Json) -> Message:
    if not isinstance(data, dict):
        raise ValueError("not a message")
    made: dict[str, Any] = dict(data)
    made["tool_calls"] = tuple(ToolCall(**call) for call in made.get("tool_calls") or ())
    made["attachments"] = tuple(Attachment(**part) for part in made.get("attachments") or ())
    try:
        return Message(**made)
    except TypeError as error:
        raise ValueError(f"not a message: {error}") from None


def said_before(execution: Execution, spec: PlannedPrompt) -> Said:
    """What was said where ``conversation`` says so."""
    said = None if spec.conversation is None else execution.conversations.get(spec.conversation)
    return said if isinstance(said, Said) else Said()


def written(messages: Sequence[Message], before: Said) -> str:
    """What the authors wrote of a conversation that is about to begin: instructions, prompts, attached texts."""
    own = [m.content for m in messages[len(before.messages) :]]
    own += [a.data for m in messages[len(before.messages) :] for a in m.attachments if a.media_type == "text/plain"]
    return "\n\n".join([*([before.written] if before.written else []), *own])


def first_messages(execution: Execution, spec: PlannedPrompt, before: Said = Said()) -> list[Message]:
    """System, what was said before where ``conversation`` says so, and the prompt with its attachments."""
    messages = list(before.messages)
    if spec.system is not None and not messages:
        messages.append(Message("system", execution.text(spec.system)))
    attachments = tuple(_attachment(execution, execution.text(path)) for path in spec.attachments)
    prompt = execution.text(spec.prompt)
    if not prompt.strip() and not attachments:
        raise StepError("template", "the prompt is blank once its templates are filled in: nothing is sent for that")
    messages.append(Message("user", prompt, attachments=attachments))
    return messages


def schema_note(execution: Execution, spec: PlannedPrompt) -> str:
    """How a repair tells the model again what is wanted."""
    if spec.reply.output_schema is None:
        return ""
    return f" Reply with JSON only, valid under this JSON Schema: {json.dumps(spec.reply.output_schema)}"


def upstream_tokens(execution: Execution) -> int:
    """About how many tokens the outputs hold that the step refers to (four characters each)."""
    steps = execution.names.get("steps")
    if not isinstance(steps, Mapping):
        return 0
    return sum(len(as_text(steps[name]["output"])) // 4 for name in execution.step.references)


def _attachment(execution: Execution, path: str) -> Attachment:
    return attachment_of(path, execution.services.read_file(path))


def attachment_of(path: str, data: bytes) -> Attachment:
    """A file as it goes with a prompt. StepError where it is neither an image nor text."""
    media_type = mimetypes.guess_type(path)[0] or "text/plain"
    if media_type in _IMAGES:
        return Attachment(path, media_type, base64.b64encode(data).decode("ascii"))
    try:
        return Attachment(path, "text/plain", data.decode("utf-8"))
    except UnicodeDecodeError:
        raise StepError("attachment", f'"{path}" is neither an image (png, jpeg, gif, webp) nor UTF-8 text') from None

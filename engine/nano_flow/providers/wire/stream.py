"""Puts the pieces of a streamed reply together, and notices a stream that ended before its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nano_flow.core.messages import Json, ToolCall
from nano_flow.providers.transport.exchange import unreadable
from nano_flow.providers.wire.ending import is_bad
from nano_flow.providers.wire.plain import as_plain, mended, read, sequence
from nano_flow.providers.wire.reply import Raw, refusal_of, text_of


@dataclass(slots=True)
class _Call:
    index: int
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


_LEAST_SIZE = 20_000
_PER_TOKEN = 32
_PER_CHUNK = 4
_OPEN, _CLOSED = "<think>", "</think>"
"""How much may come: characters, and some for each chunk, relative to the output cap."""


class Collector:
    """Takes chunks in their order; ``on_text`` hears each piece of text. A reply far beyond its cap is broken off."""

    def __init__(self, on_text: Callable[[str], None] | None, max_output_tokens: int = 4096) -> None:
        self._on_text = on_text
        self._room = _LEAST_SIZE + max_output_tokens * _PER_TOKEN
        self._text: list[str] = []
        self._reasoned = False
        self._reasoning: list[str] = []
        self._thinking: list[Json] = []
        self._details: list[dict[str, Json]] = []
        self._kept: dict[str, Json] = {}
        self._calls: list[_Call] = []
        self._refusal: list[str] = []
        self.finish: str | None = None
        self.model = ""
        self.usage: object = None
        self._held: str | None = ""
        self._thought = self._over = False

    def take(self, chunk: object) -> None:
        """Take one chunk."""
        choices = sequence(read(chunk, "choices"))
        if not choices:
            return
        choice = choices[0]
        if read(choice, "index"):
            return  # one reply was asked for
        delta = read(choice, "delta")
        text = read(delta, "content")
        if text:
            self.write(text_of(text))
        calls = read(delta, "tool_calls")
        if calls:
            self.call(calls)
        elif older := read(delta, "function_call"):
            self.call([{"index": 0, "function": older}])
        self._take_thinking(delta)
        self.refuse(refusal_of(delta))
        self.end(read(choice, "finish_reason"))
        if not self.model:
            self.name(read(chunk, "model"))

    def end(self, finish: object) -> None:
        """How the provider says that the reply ended."""
        if isinstance(finish, str) and finish:
            self.finish = finish

    def name(self, model: object) -> None:
        """The model's name as the provider says it."""
        self.model = str(model or "")

    def show(self, text: str) -> None:
        """Let the listener have a piece of text; what a model thinks aloud at its beginning is not for him."""
        if self._held is not None:
            text = self._after_thinking(text)
        if text and self._on_text is not None:
            self._on_text(mended(text))

    def _after_thinking(self, text: str) -> str:
        """What of a piece at the beginning may be shown: nothing while it may still be, or is, a thought."""
        held = f"{self._held}{text}"
        if self._thought:
            before, closed, after = held.partition(_CLOSED)
            if not closed:
                self._held = before[-len(_CLOSED) :]
                return ""
            self._thought, self._over = False, True
            held = after
        start = held.lstrip()
        if self._over:
            self._held = None if start else ""
            return start
        if start.startswith(_OPEN):
            self._thought, self._held = True, ""
            return self._after_thinking(start[len(_OPEN) :])
        self._held = held if _OPEN.startswith(start) else None
        return "" if self._held is not None else held

    def end_of_text(self, text: str) -> None:
        """Nothing more comes of ``text``: what was held back of it, and is no thought, is shown."""
        held, self._held = self._held, None
        left = text if self._thought else held
        if left and self._on_text is not None:
            self._on_text(mended(left))

    @property
    def begun(self) -> bool:
        """Whether anything of the reply has come."""
        return bool(self._text or self._calls or self._reasoned or self._thinking or self._refusal)

    @property
    def written(self) -> str:
        """All that the model is known to have written."""
        return "".join([*self._text, *self._refusal, *(part for call in self._calls for part in call.arguments)])

    def write(self, text: object) -> None:
        """A piece of the text."""
        if isinstance(text, str) and text:
            self._make_room(len(text))
            self._text.append(text)
            self.show(text)

    def refuse(self, refusal: str) -> None:
        """A piece of what a model says in place of a reply."""
        if refusal:
            self._make_room(len(refusal))
            self._refusal.append(refusal)

    def _make_room(self, size: int) -> None:
        self._room -= size + _PER_CHUNK
        if self._room < 0:
            raise unreadable("the model writes far beyond its output cap, and was stopped")

    def call(self, deltas: object) -> None:
        """Pieces of calls of tools, in OpenAI's form."""
        for delta in sequence(deltas):
            function = read(delta, "function")
            name, given = str(read(function, "name") or ""), read(function, "arguments")
            piece = given if isinstance(given, str) else json.dumps(as_plain(given)) if given else ""
            self._make_room(len(piece))
            call = self._call_of(read(delta, "index"), str(read(delta, "id") or ""), name)
            call.name = call.name or name
            call.arguments.append(piece)

    def _call_of(self, index: object, call_id: str, name: str) -> _Call:
        """The call that a piece belongs to. Some servers number none of their calls, or all of them with 0."""
        place = index if isinstance(index, int) else (self._calls[-1].index if self._calls else 0)
        call = next((call for call in reversed(self._calls) if call.index == place), None)
        if call is None or (call_id and name and call.id and call.id != call_id):
            call = _Call(place)
            self._calls.append(call)
        call.id = call.id or call_id
        return call

    def _take_thinking(self, delta: object) -> None:
        reasoning = read(delta, "reasoning_content")
        self.reason(reasoning or read(delta, "reasoning"))
        if isinstance(reasoning, str) and reasoning:
            self._reasoning.append(reasoning)
        for block in sequence(read(delta, "thinking_blocks")):
            self.think(block)
        for detail in sequence(read(delta, "reasoning_details")):
            if isinstance(detail, dict):
                self._detail(detail)

    def _detail(self, detail: Mapping[str, Json]) -> None:
        """A piece of reasoning in the form of OpenRouter: pieces of one index and type are one."""
        last = self._details[-1] if self._details else None
        if last is None or any(last.get(name) != detail.get(name) for name in ("index", "type", "id")):
            self._details.append(dict(detail))
            return
        for name, value in detail.items():
            if name in ("text", "summary", "data") and isinstance(value, str):
                self._make_room(len(value))
                last[name] = f"{last.get(name) or ''}{value}"
            elif value is not None:
                last[name] = value

    def reason(self, text: object) -> None:
        """A piece of what a model thinks aloud."""
        if isinstance(text, str) and text:
            self._make_room(len(text))
            self._reasoned = True

    def keep(self, name: str, value: Json) -> None:
        """What goes back with the next turn as it came."""
        self._kept[name] = value

    def think(self, block: object) -> None:
        """Thinking that goes back with the next turn. It comes in pieces: the signature that ends a block last."""
        piece = {name: value for name in ("type", "thinking", "signature", "data") if (value := read(block, name))}
        last = self._thinking[-1] if self._thinking else None
        if isinstance(last, dict) and last.get("type") == "thinking" == piece.get("type") and not last.get("signature"):
            last["thinking"] = f"{last.get('thinking') or ''}{piece.get('thinking') or ''}"
            if piece.get("signature"):
                last["signature"] = str(piece["signature"])
        elif piece:
            self._thinking.append({name: str(value) for name, value in piece.items()})

    def raw(self, announced: str | None, *, refused: bool = False) -> Raw:
        """The parts of the reply. ``announced`` is how the provider said that it ended; None: it never said so.

        ``refused``: words came in which the model refuses, where LiteLLM has no place for them.
        """
        self.end_of_text("".join(self._text))
        kept: dict[str, Json] = dict(self._kept)
        if self._details:
            kept["reasoning_details"] = list(self._details)
        if self._thinking:
            kept["thinking_blocks"] = list(self._thinking)
        if self._reasoning:
            kept["reasoning_content"] = "".join(self._reasoning)
        calls = tuple(
            ToolCall(call.id, call.name, "".join(call.arguments) or "{}")
            for call in sorted(self._calls, key=lambda call: call.index)
            if call.name
        )
        finish = announced if not announced or is_bad(announced) else self.finish or announced
        text, refusal = "".join(self._text), "".join(self._refusal)
        if (refusal or (refused and not calls)) and not text and finish:
            text, finish = refusal, "refusal"
        return Raw(text, calls, finish, self.usage, self.model, kept)

"""Puts the pieces of a streamed reply together, and notices a stream that ended before its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from nano_flow.core.messages import Json, ToolCall
from nano_flow.providers.wire.reply import Raw, read, refusal_of, sequence


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Collector:
    """Takes chunks in their order; ``on_text`` hears each piece of text."""

    def __init__(self, on_text: Callable[[str], None] | None) -> None:
        self._on_text = on_text
        self._text: list[str] = []
        self._reasoned = False
        self._thinking: list[Json] = []
        self._calls: dict[int, _Call] = {}
        self._refusal: list[str] = []
        self._finish: str | None = None
        self._model = ""
        self.usage: object = None

    def take(self, chunk: object) -> None:
        """Take one chunk."""
        choices = getattr(chunk, "choices", None)
        if not choices:
            return
        choice = choices[0]
        delta = choice.delta
        text = delta.content
        if text:
            self._text.append(text)
            if self._on_text is not None:
                self._on_text(text)
        if delta.tool_calls:
            self._take_calls(delta.tool_calls)
        self._take_thinking(delta)
        self._refusal.append(refusal_of(delta))
        if choice.finish_reason:
            self._finish = choice.finish_reason
        if not self._model:
            self._model = str(getattr(chunk, "model", "") or "")

    @property
    def begun(self) -> bool:
        """Whether anything of the reply has come."""
        return bool(self._text or self._calls or self._reasoned or self._thinking)

    def _take_calls(self, deltas: object) -> None:
        for delta in sequence(deltas):
            index = read(delta, "index")
            call = self._calls.setdefault(index if isinstance(index, int) else len(self._calls), _Call())
            function = read(delta, "function")
            call.id = call.id or str(read(delta, "id") or "")
            call.name = call.name or str(read(function, "name") or "")
            call.arguments.append(str(read(function, "arguments") or ""))

    def _take_thinking(self, delta: object) -> None:
        self._reasoned = self._reasoned or bool(getattr(delta, "reasoning_content", None))
        for block in sequence(getattr(delta, "thinking_blocks", None)):
            self._take_block(block)

    def _take_block(self, block: object) -> None:
        """Blocks come in pieces: text first, the signature that ends a block last."""
        piece = {name: value for name in ("type", "thinking", "signature", "data") if (value := read(block, name))}
        last = self._thinking[-1] if self._thinking else None
        if isinstance(last, dict) and last.get("type") == "thinking" == piece.get("type") and not last.get("signature"):
            last["thinking"] = f"{last.get('thinking') or ''}{piece.get('thinking') or ''}"
            if piece.get("signature"):
                last["signature"] = str(piece["signature"])
        elif piece:
            self._thinking.append({name: str(value) for name, value in piece.items()})

    def raw(self, announced: str | None) -> Raw:
        """The parts of the reply. ``announced`` is how the provider said that it ended; None: it never said so."""
        kept: dict[str, Json] = {}
        if self._thinking:
            kept["thinking_blocks"] = list(self._thinking)
        calls = tuple(
            ToolCall(call.id or f"call_{index}", call.name, "".join(call.arguments) or "{}")
            for index, call in sorted(self._calls.items())
            if call.name
        )
        finish = (self._finish or announced) if announced else None
        text, refusal = "".join(self._text), "".join(self._refusal)
        if refusal and not text and finish:
            text, finish = refusal, "refusal"
        return Raw(text, calls, finish, self.usage, self._model, kept)

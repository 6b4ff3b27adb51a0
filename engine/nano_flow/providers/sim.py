"""The provider that needs no key and no network: small, medium and large models that only pretend.

What it replies depends on the seed, the model, the messages and which sample of them is drawn, and on nothing else.
Everything is marked simulated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from nano_flow.core.errors import BadRequest, ContextTooLong
from nano_flow.core.messages import ChatReply, ChatRequest, Json, Usage
from nano_flow.core.refs import ModelRef
from nano_flow.ports import Clock
from nano_flow.providers.simulated import text
from nano_flow.providers.simulated.faults import Fault, error_of, fault_of, pick, seconds, spoil
from nano_flow.providers.simulated.schemas import Schema, Unsatisfiable
from nano_flow.providers.simulated.script import Script, Scripted
from nano_flow.providers.simulated.tokens import BYTES_PER_TOKEN, count, count_request
from nano_flow.providers.simulated.values import ValueMaker
from nano_flow.source.json_schema import complaints
from nano_flow.source.judging.meter import AT_ONCE, TooLong

DRAWS = 12
"""How many values are tried for a schema before it counts as one that cannot be met."""
PIECES = 8
"""Into how many pieces a streamed text is cut."""
_SIZES = {"small": 1, "medium": 2, "large": 3}


@dataclass(frozen=True, slots=True)
class SimOptions:
    """How the simulated models behave; ``latency_s`` and ``windows`` by model, ``""`` for all others."""

    seed: int = 0
    latency_s: Mapping[str, float] = field(default_factory=dict)
    error_rate: float = 0.0
    faults: tuple[Fault, ...] = ()
    script: Mapping[str, Json] = field(default_factory=dict)
    windows: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, extra: Mapping[str, object], windows: Mapping[str, int] | None = None) -> SimOptions:
        """Options as ``providers.yaml`` writes them under the provider."""
        plain: dict[str, Json] = json.loads(json.dumps(dict(extra), default=_total))
        latency, faults, script = plain.get("latency"), plain.get("faults"), plain.get("script")
        by_model = latency if isinstance(latency, dict) else {"": latency}
        return cls(
            seed=int(str(plain.get("seed") or 0)),
            latency_s={name: seconds(value) for name, value in by_model.items() if value is not None},
            error_rate=float(str(plain.get("error_rate") or 0)),
            faults=tuple(fault_of(fault) for fault in (faults if isinstance(faults, list) else [])),
            script=script if isinstance(script, dict) else {},
            windows=windows or {},
        )


class SimProvider:
    """A ``ChatProvider`` that calls nothing."""

    def __init__(self, clock: Clock, options: SimOptions | None = None, script: Script | None = None) -> None:
        """``script`` takes the place of the one in the options."""
        self.options = options or SimOptions()
        self.script = script or Script(self.options.script)
        self._clock = clock

    async def complete(self, request: ChatRequest, on_text: Callable[[str], None] | None = None) -> ChatReply:
        """Answer one request, as the script says or else by itself."""
        name = request.model.model
        latency = self.options.latency_s.get(name, self.options.latency_s.get("", 0.0))
        prompt_tokens = self._fit(request)
        scripted = self.script.due(request)
        fault = scripted.fault if scripted else self._drawn_fault(request)
        plain = Scripted(self._compose(request)) if scripted is None or scripted.fault else scripted
        reply = self._reply(request, plain, prompt_tokens)
        error = error_of(fault, reply.usage) if fault else None
        if error is not None and fault is not None and fault.name != "cut_stream":
            if latency:
                await self._clock.sleep(latency)
            raise error
        reply = spoil(fault, reply) if fault and error is None else reply
        await self._tell(reply.text if error is None else reply.text[: len(reply.text) // 2], latency, on_text)
        if error is not None:
            raise error
        return reply

    async def close(self) -> None:
        """Nothing is held open."""

    def _fit(self, request: ChatRequest) -> int:
        tokens = count_request(request)
        window = self.options.windows.get(request.model.model)
        if window is not None and tokens > window:
            message = f'the prompt has {tokens} tokens, the window of "{request.model}" {window}'
            raise ContextTooLong(message, status=400)
        return tokens

    def _drawn_fault(self, request: ChatRequest) -> Fault | None:
        if not self.options.error_rate:
            return None
        salt = f"{request.address}\x00{request.turn}\x00{request.attempt}" + "\x00s" * request.sample
        draw = Random(text.digest(self.options.seed, request.model.model, request, salt))
        if draw.random() >= self.options.error_rate:
            return None
        return pick(self.options.faults, draw.random())

    def _compose(self, request: ChatRequest) -> str:
        size = size_of(request.model)
        sample = f"sample {request.sample}" if request.sample else ""
        draw = Random(text.digest(self.options.seed, request.model.model, request, sample))
        words = text.keywords(request)
        if request.output_schema is None:
            room = request.max_output_tokens * BYTES_PER_TOKEN
            whole = text.prose(size, words, draw)
            return whole if len(whole.encode()) <= room else "Done."[:room]
        value = _value(dict(request.output_schema), draw, words, size)
        return json.dumps(value, ensure_ascii=False)

    def _reply(self, request: ChatRequest, scripted: Scripted, prompt_tokens: int) -> ChatReply:
        written = count(scripted.text) + sum(count(call.name) + count(call.arguments) for call in scripted.calls)
        return ChatReply(
            text=scripted.text,
            finish_reason="tool_calls" if scripted.calls else "stop",
            usage=Usage(input_tokens=prompt_tokens, output_tokens=min(max(written, 1), request.max_output_tokens)),
            tool_calls=scripted.calls,
            model=request.model.model,
            simulated=True,
        )

    async def _tell(self, whole: str, latency: float, on_text: Callable[[str], None] | None) -> None:
        """Let the latency pass, and the text come in pieces where somebody listens."""
        if on_text is None or not whole:
            if latency:
                await self._clock.sleep(latency)
            return
        step = max(-(-len(whole) // PIECES), 1)
        starts = range(0, len(whole), step)
        for start in starts:
            if latency:
                await self._clock.sleep(latency / len(starts))
            on_text(whole[start : start + step])


def _complaints(value: Json, schema: Schema) -> list[str]:
    """A value that takes long to judge is one more that was tried in vain: others wait for this loop."""
    try:
        return complaints(value, schema, most=1, patience=AT_ONCE)
    except TooLong:
        return ["its values take too long to judge"]


def _total(latency: object) -> float:
    """The whole duration of a ``latency:`` that names its parts."""
    return float(getattr(latency, "total", None) or 0.0)


def size_of(ref: ModelRef) -> str:
    """``small``, ``medium`` or ``large``; any other simulated model is a medium one."""
    return ref.model if ref.model in _SIZES else "medium"


def simulated_result(name: str, schema: Mapping[str, Json]) -> Json:
    """The same value each time for what ``name`` returns; a text where ``schema`` admits nothing that is found."""
    try:
        return _value(dict(schema), Random(name), ("simulated", "result"), "medium")
    except BadRequest:
        return f"simulated result of {name}"


def _value(schema: Schema, draw: Random, words: tuple[str, ...], size: str) -> Json:
    """A value that the schema's validator accepts; BadRequest where none is found in ``DRAWS`` tries."""
    problem = ""
    for _ in range(DRAWS):
        maker = ValueMaker(schema, draw, lambda: text.sentence(words, draw), items=_SIZES[size])
        try:
            value = maker.make(schema)
        except Unsatisfiable as failure:
            problem = str(failure)
            continue
        found = _complaints(value, schema)
        if not found:
            return value
        problem = found[0]
    raise BadRequest(f"the simulated model found no value for this output_schema ({problem}): script its reply")

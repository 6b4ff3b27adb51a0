"""Finds the scripted reply that is due: by step, by item or execution, by turn and by attempt.

A script maps a step's address (``review[1]``) or path (``review``) to a reply, in the forms of ``replies:`` in a
``*.test.yaml``: text or data; a list, one entry per item of the innermost fan-out, else per execution; lists in lists,
one level per index of the address;
``{turns: […]}``, ``{attempts: […]}``, ``{samples: […]}`` (a cascade's, the reply itself first),
``{calls: […], text: …}``, ``{error: NAME}``, and ``{reply: …}`` for data that looks like one of these, or with
``verify: …`` beside it, which says how the commands end that check the reply.
The last entry of a list goes on answering unless it is itself a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nano_flow.core.errors import BadRequest
from nano_flow.core.messages import ChatRequest, Json, ToolCall
from nano_flow.providers.simulated.faults import Fault, fault_of

_INDEX = re.compile(r"\[(\d+)\]")
_FORMS = {
    "turns": {"turns"},
    "attempts": {"attempts"},
    "samples": {"samples"},
    "calls": {"calls", "text"},
    "error": {"error", "retry_after", "message"},
    "reply": {"reply", "verify"},
}


@dataclass(frozen=True, slots=True)
class Scripted:
    """A reply out of a script: text with tool calls, or a fault."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    fault: Fault | None = None


class Script:
    """The replies of one script; remembers which were asked for."""

    def __init__(
        self, replies: Mapping[str, Json], item_of: Callable[[str, Sequence[int]], int | None] | None = None
    ) -> None:
        """``item_of``: path and indices of an address → the index of its innermost item, None where it has none.

        Without it, the last index counts as one.
        """
        self._replies = dict(replies)
        self._partial = [key for key in self._replies if "[" in key]
        self._item_of = item_of or (lambda path, indices: indices[-1] if indices else None)
        self._asked: set[tuple[str, tuple[int, ...]]] = set()
        self._executions: dict[str, int] = {}
        self._of_path: dict[str, int] = {}
        self._turns: dict[str, int] = {}

    def due(self, request: ChatRequest) -> Scripted | None:
        """The reply for this address, turn and attempt; None where the script says nothing of the step."""
        key, indices = self._key(request.address)
        if key is None or request.purpose == "judge":
            return None
        if request.turn == request.attempt == request.sample == 0:
            self.begin(request.address)
        reply, taken = self._found(key, request.address, indices)
        self._asked.add((key, taken))
        return _scripted(_by_turn(reply, request, key), request)

    def begin(self, address: str) -> int:
        """The step at ``address`` is executed once more (a retried group); how often before."""
        before = self._executions.get(address, 0)
        self._executions[address] = before + 1
        path = _INDEX.sub("", address)
        self._turns[address] = self._of_path.get(path, 0)
        self._of_path[path] = self._turns[address] + 1
        return before

    def at(self, address: str) -> tuple[bool, Json]:
        """Whether there is a reply for ``address``, of whatever kind of step, and the reply."""
        key, indices = self._key(address)
        if key is None:
            return False, None
        reply, taken = self._found(key, address, indices)
        self._asked.add((key, taken))
        return True, reply

    def _found(self, key: str, address: str, indices: Sequence[int]) -> tuple[Json, tuple[int, ...]]:
        reply = self._replies[key]
        nested = isinstance(reply, list) and any(isinstance(inner, list) for inner in reply)
        if isinstance(reply, list) and not nested and indices:
            item = indices[-1] if key in self._partial else self._item_of(key, indices)
            reply, place = _entry(reply, self._turns.get(address, 0) if item is None else item, "execution")
            return reply, (place,)
        return _by_index(reply, indices, self._executions.get(address, 1) - 1)

    def results(self, request: ChatRequest) -> list[tuple[bool, Json]]:
        """For each scripted tool call of this turn, whether its result is scripted too, and the result."""
        calls = self._beside(request, "calls", "calls")
        return (
            [("result" in c, c.get("result")) for c in calls if isinstance(c, dict)] if isinstance(calls, list) else []
        )

    def checks(self, request: ChatRequest) -> Json:
        """How the commands end that check the reply of this turn: a list, one for all of them, or None."""
        return self._beside(request, "reply", "verify")

    def _beside(self, request: ChatRequest, form: str, key: str) -> Json:
        found, reply = self.at(request.address)
        entry = _by_turn(reply, request, request.address) if found else None
        return entry.get(key) if isinstance(entry, dict) and _form(entry) == form else None

    def unused(self) -> list[str]:
        """The addresses of replies that nothing asked for, in the script's order."""
        return [
            key + "".join(f"[{index}]" for index in place)
            for key, reply in self._replies.items()
            for place in _places(reply)
            if not any(k == key and place == taken[: len(place)] for k, taken in self._asked)
        ]

    def _key(self, address: str) -> tuple[str | None, tuple[int, ...]]:
        if address in self._replies:
            return address, ()
        for key in self._partial:
            rest = _rest(key, address)
            if rest is not None:
                return key, rest
        path = _INDEX.sub("", address)
        indices = tuple(int(index) for index in _INDEX.findall(address))
        return (path, indices) if path in self._replies else (None, ())


def _rest(key: str, address: str) -> tuple[int, ...] | None:
    """The indices of ``address`` that ``key`` leaves open (``a[0]`` of ``a[0][1]``); None where they do not match."""
    ours, theirs = key.split("."), address.split(".")
    if len(ours) != len(theirs):
        return None
    rest: list[int] = []
    for mine, other in zip(ours, theirs, strict=True):
        if not (other == mine or other.startswith(f"{mine}[")):
            return None
        rest.extend(int(index) for index in _INDEX.findall(other[len(mine) :]))
    return tuple(rest)


def _form(reply: Json) -> str | None:
    """Which special form a reply has, if it has one: its key, and no other than its own."""
    if not isinstance(reply, dict):
        return None
    return next((form for form, keys in _FORMS.items() if form in reply and reply.keys() <= keys), None)


def _places(reply: Json) -> list[tuple[int, ...]]:
    if not isinstance(reply, list):
        return [()]
    return [(index, *rest) for index, inner in enumerate(reply) for rest in _places(inner)]


def _by_index(reply: Json, indices: Sequence[int], execution: int) -> tuple[Json, tuple[int, ...]]:
    """Follow the address's indices into nested lists; a list that is left goes by how often the step was executed."""
    taken: list[int] = []
    rest = list(indices)
    while isinstance(reply, list):
        index = rest.pop(0) if rest else execution
        reply, place = _entry(reply, index, "execution")
        taken.append(place)
    return reply, tuple(taken)


def _entry(entries: Sequence[Json], index: int, what: str) -> tuple[Json, int]:
    if index < len(entries):
        return entries[index], index
    if not entries or isinstance(entries[-1], list):
        raise BadRequest(f"the script has {len(entries)} replies, {what} {index + 1} was asked for")
    return entries[-1], len(entries) - 1


def _by_turn(reply: Json, request: ChatRequest, key: str) -> Json:
    places = {"turns": request.turn, "attempts": request.attempt, "samples": request.sample}
    for _ in range(8):
        form = _form(reply)
        if form not in places or not isinstance(reply, dict):
            return reply
        entries = reply[form]
        if not isinstance(entries, list):
            raise BadRequest(f'the script of "{key}": "{form}" is a list')
        reply, _place = _entry(entries, places[form], form[:-1])
    raise BadRequest(f'the script of "{key}" nests turns, attempts and samples too deep')


def _scripted(reply: Json, request: ChatRequest) -> Scripted:
    form = _form(reply)
    if form == "error" and isinstance(reply, dict):
        return Scripted(fault=fault_of(reply))
    if form == "calls" and isinstance(reply, dict):
        return Scripted(_text(reply.get("text", "")), _calls(reply["calls"], request))
    if form == "reply" and isinstance(reply, dict):
        reply = reply["reply"]
    return Scripted(_text(reply))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _calls(entries: Json, request: ChatRequest) -> tuple[ToolCall, ...]:
    if not isinstance(entries, list):
        raise BadRequest('the script\'s "calls" is a list of {tool, with}')
    calls = []
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("tool"), str):
            raise BadRequest('each entry of the script\'s "calls" is a mapping with the name of a "tool"')
        arguments = entry.get("with", {})
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        calls.append(ToolCall(f"call_{request.turn}_{number}", str(entry["tool"]), text))
    return tuple(calls)

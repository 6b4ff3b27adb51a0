"""Writes plausible prose about a prompt: always the same for the same seed, model and messages."""

from __future__ import annotations

import hashlib
import re
from random import Random

from nano_flow.core.messages import ChatRequest, Message

SENTENCES = {"small": 1, "medium": 3, "large": 6}
"""How many sentences a model of each size writes about a prompt."""

_WORD = re.compile(r"[^\W\d_]{4,24}")
_COMMON_WORDS = (
    "about above after again also because been before being below between both cannot could does doing down each "
    "every from give given have having here into itself just make more most must need only other over please same "
    "should some such than that their them then there these they this those through under until very want were "
    "what when where which while will with would write your yours"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_OPENINGS = (
    "The request comes down to {a}.",
    "In short, {a} is what matters here.",
    "The main point is {a}, together with {b}.",
    "Start from {a} and keep {b} in mind.",
)
_BODIES = (
    "{a} depends on {b}, so the two belong together.",
    "A simple way to treat {a} is to look at {b} first.",
    "Nothing here contradicts {a}; it supports {b}.",
    "For {a}, the smallest change that works is the best one.",
    "Where {a} and {b} disagree, {a} comes first.",
    "That leaves {b} as it is and makes {a} clear.",
    "The details of {a} follow from {b}.",
)


def digest(seed: int, model: str, request: ChatRequest, salt: str = "") -> bytes:
    """What a simulated reply depends on: seed, model and messages (and ``salt``, for a second draw)."""
    state = hashlib.sha256(f"{seed}\x00{model}\x00{salt}".encode())
    for message in request.messages:
        state.update(_text_of(message).encode("utf-8", "surrogatepass"))
    return state.digest()


def _text_of(message: Message) -> str:
    calls = "".join(f"\x02{call.name}\x02{call.arguments}" for call in message.tool_calls)
    files = "".join(f"\x03{a.name}\x03{a.data}" for a in message.attachments)
    return f"\x00{message.role}\x01{message.content}{calls}{files}"


def keywords(request: ChatRequest, limit: int = 12) -> tuple[str, ...]:
    """The words of the last user message that say what it is about, in order, each once."""
    text = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
    found: dict[str, None] = {}
    for match in _WORD.finditer(text, 0, 4000):
        word = match.group().lower()
        if word not in _COMMON:
            found.setdefault(word)
        if len(found) == limit:
            break
    return tuple(found) or ("the task",)


def prose(size: str, words: tuple[str, ...], draw: Random) -> str:
    """One to six sentences about ``words``, as long as the model is large."""
    return " ".join(sentence(words, draw, first=n == 0) for n in range(SENTENCES.get(size, 3)))


def sentence(words: tuple[str, ...], draw: Random, *, first: bool = True) -> str:
    """One sentence."""
    form = draw.choice(_OPENINGS if first else _BODIES)
    line = form.format(a=draw.choice(words), b=draw.choice(words))
    return line[0].upper() + line[1:]

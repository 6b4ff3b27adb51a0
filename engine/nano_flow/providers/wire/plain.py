"""Reads what LiteLLM gives back, be it an object or a mapping, whatever else stands where something was expected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nano_flow.core.messages import Json


def read(holder: object, name: str) -> object:
    """A member of a mapping or an object of LiteLLM; None where there is none.

    Pydantic's objects take long to say that they lack a member, and of most members that is what they say.
    """
    if type(holder) is dict or isinstance(holder, Mapping):
        return holder.get(name)
    fields = getattr(holder, "__dict__", None)
    if fields is not None and name in fields:
        return fields[name]
    extra = getattr(holder, "__pydantic_extra__", None)
    if isinstance(extra, dict) and not hasattr(type(holder), name):
        return extra.get(name)
    return getattr(holder, name, None)


def sequence(value: object) -> Sequence[object]:
    """A list, or an empty one."""
    return value if isinstance(value, list | tuple) else ()


def as_plain(value: object) -> Json:
    """Plain data out of LiteLLM's objects."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): as_plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(part) for part in value]
    dump = getattr(value, "model_dump", None)
    return as_plain(dump()) if callable(dump) else str(value)


_THINKING = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>\s*", re.DOTALL)
_ALOUD = re.compile(r"^</think(?:ing)?>[ \t]*\n\s*", re.MULTILINE)


def without_thinking(text: str) -> str:
    """``text`` without what a model thought aloud before it: between its tags, or up to a lone closing one."""
    if "</think" not in text:
        return text
    begun = _THINKING.match(text)
    if begun is not None:
        return text[begun.end() :]
    lone = _ALOUD.search(text)
    return text[lone.end() :] if lone is not None and "<think" not in text[: lone.start()] else text


def mended(text: str) -> str:
    """``text`` that can be written as UTF-8: halves of characters that JSON let pass are joined, or replaced."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text

"""Filters that only the rewriter puts into a tree: they meter loops, literals, joins, slices and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from nano_flow.runtime.rendering.failure import RenderFailure, kind_of
from nano_flow.runtime.rendering.filters.arguments import items_of
from nano_flow.runtime.rendering.meter import fail
from nano_flow.runtime.rendering.plain import text_of
from nano_flow.runtime.rendering.rewriting import BUILD, JOIN, LOOP, SLICE, WEIGH
from nano_flow.runtime.rendering.sandbox import meter_of


@pass_context
def build(context: Context, value: object) -> object:
    """A literal list or mapping, measured as soon as it is made."""
    meter_of(context).handle(value)
    return list(value) if isinstance(value, tuple) else value


@pass_context
def join(context: Context, parts: list[object]) -> str:
    """``a ~ b ~ c``."""
    meter = meter_of(context)
    texts = []
    for part in parts:
        meter.handle(part)
        texts.append(text_of(part))
    meter.make(sum(map(len, texts)))
    return "".join(texts)


@pass_context
def loop(context: Context, value: object, work: int, characters: int) -> list[object]:
    """What a ``for`` goes through; all its rounds are paid for here."""
    if isinstance(value, Undefined):
        fail(value)
    items = items_of(value, "a `for`")
    meter = meter_of(context)
    meter.work(1 + len(items) * work)
    meter.make(len(items) * characters)
    return items


@pass_context
def cut(context: Context, value: object, start: object, stop: object, step: object) -> object:
    """``a[start:stop:step]`` of a list or text."""
    if isinstance(value, Undefined):
        fail(value)
    if not isinstance(value, (str, list, tuple)):
        raise RenderFailure(f"only a list or text can be cut, not {kind_of(value)}")
    if step == 0:
        raise RenderFailure("the step of a slice is not 0")
    result = value[_bound(start) : _bound(stop) : _bound(step)]
    if isinstance(result, str):
        meter_of(context).make(len(result))
        return result
    meter_of(context).work(1 + len(result) // 4)
    return list(result)


def _bound(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise RenderFailure(f"the bounds of a slice are whole numbers, not {kind_of(value)}")


@pass_context
def weigh(context: Context, value: object) -> object:
    """A side of a comparison."""
    meter_of(context).handle(value)
    return value


INTERNAL: Mapping[str, Callable[..., object]] = {BUILD: build, JOIN: join, LOOP: loop, SLICE: cut, WEIGH: weigh}

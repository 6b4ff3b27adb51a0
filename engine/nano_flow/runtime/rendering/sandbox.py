"""Jinja's immutable sandbox, narrowed: members instead of attributes, bounded operators, one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from nano_flow.runtime.rendering.failure import RenderFailure, kind_of, nearest
from nano_flow.runtime.rendering.meter import Meter, fail
from nano_flow.runtime.rendering.operators import OPERATORS
from nano_flow.runtime.rendering.plain import text_of
from nano_flow.source.guard.sizes import MAX_RANGE
from nano_flow.source.guard.vocabulary import LOOP_MEMBERS

METER = "_meter"
GROUP_MEMBERS = ("grouper", "list")


class Missing(StrictUndefined):
    """A name or member that is not there: fails as soon as it is used, but ``default`` and ``is defined`` see it."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        return f'"{self._undefined_name}" is not known here'


def meter_of(context: Context) -> Meter:
    """The budget of the rendering that ``context`` belongs to."""
    meter = context.parent[METER]
    assert isinstance(meter, Meter)
    return meter


@pass_context
def bounded_range(context: Context, *numbers: object) -> list[int]:
    """``range`` as a list of at most 10,000 numbers."""
    whole = [number for number in numbers if isinstance(number, int) and not isinstance(number, bool)]
    if len(whole) != len(numbers) or (len(whole) == 3 and whole[2] == 0):
        raise RenderFailure('"range" needs whole numbers, and a step that is not 0')
    values = range(*whole)
    first, last, step = values.start, values.stop, values.step
    length = max(0, -((first - last) // step))
    if length > MAX_RANGE:
        raise RenderFailure(f"a range has at most {MAX_RANGE:,} numbers, this one has {length:,}")
    meter_of(context).work(1 + length // 4)
    return list(values)


@pass_context
def shown(context: Context, value: object) -> str:
    """What is put into the text for ``value``."""
    meter = meter_of(context)
    meter.handle(value)
    text = text_of(value)
    meter.make(len(text))
    return text


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment that templates are compiled for and rendered in."""

    intercepted_binops = frozenset(OPERATORS) | {"**"}

    def __init__(self) -> None:
        super().__init__(
            autoescape=False,
            undefined=Missing,
            finalize=shown,
            optimized=False,
            cache_size=0,
            keep_trailing_newline=True,
        )
        self.globals = {"range": bounded_range}
        self.filters = {}
        self.tests = {}

    def is_safe_callable(self, obj: object) -> bool:
        """Only ``range`` can be called."""
        return obj is bounded_range

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """A binary operator, bounded."""
        compute: Callable[[Meter, object, object], object] | None = OPERATORS.get(operator)
        if compute is None:
            raise RenderFailure(f"`{operator}` is not part of the language")
        return compute(meter_of(context), left, right)

    def getattr(self, obj: object, attribute: str) -> object:
        """``a.b``: the member b of the mapping a, whatever methods Python's types have."""
        if isinstance(obj, LoopContext) and attribute in LOOP_MEMBERS:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """``a[b]``: a member of a mapping, or an item of a list or text by its number."""
        if isinstance(obj, Mapping):
            try:
                return obj[argument]
            except (KeyError, TypeError):
                names = [key for key in obj if isinstance(key, str)]
                return self._missing(
                    obj, argument, f"there is no member {quoted(argument)}{nearest(str(argument), names)}"
                )
        if isinstance(obj, (list, tuple, str)) and isinstance(argument, int):
            try:
                return obj[argument]
            except IndexError:
                size = len(obj)
                return self._missing(obj, argument, f"there is no item {argument}; there are {size:,}, counted from 0")
        if isinstance(obj, tuple) and argument in GROUP_MEMBERS and hasattr(obj, "grouper"):
            return obj[GROUP_MEMBERS.index(argument)]
        return self._without(obj, argument)

    def _without(self, obj: object, member: object) -> object:
        if isinstance(obj, Undefined):
            fail(obj)
        return self._missing(obj, member, f"{kind_of(obj)} has no member {quoted(member)}")

    def _missing(self, obj: object, name: object, hint: str) -> Missing:
        return Missing(hint=hint, obj=obj, name=str(name)[:60])


def quoted(name: object) -> str:
    """A member's name as a message shows it."""
    return f'"{name[:60]}"' if isinstance(name, str) else text_of(name)[:60]

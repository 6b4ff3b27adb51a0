"""A checked template → a function that renders it: guarded again, rewritten, compiled by Jinja for the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import TracebackType

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.runtime import Context

from nano_flow.core.messages import Json
from nano_flow.runtime.rendering.failure import RenderFailure, explain, nearest
from nano_flow.runtime.rendering.filters.table import FAULTS, install
from nano_flow.runtime.rendering.meter import Meter
from nano_flow.runtime.rendering.plain import MAX_OUTPUT, deeply_plain, too_long
from nano_flow.runtime.rendering.rewriting import Rewriter, start_of
from nano_flow.runtime.rendering.sandbox import METER, Sandbox
from nano_flow.source.guard.syntax import SyntaxFault
from nano_flow.source.guard.tree import judged, parsed

Program = Callable[[Mapping[str, object]], Json]
RESULT = "_result"
CODE_NAME = "<template>"


def compile_program(source: str, form: str) -> Program:
    """A function from names to what ``source`` renders to. Raises RenderFailure where the guard refuses ``source``."""
    template, start, roots = _compiled(source, "expression" if form == "expression" else "template")

    def run(names: Mapping[str, object]) -> Json:
        meter = Meter()
        given: dict[str, object] = {root: names[root] for root in roots if root in names}
        given[METER] = meter
        context = template.new_context(given)
        try:
            pieces = template.root_render_func(context)
            return _joined(pieces) if form == "text" else _result(pieces, context, meter)
        except RenderFailure as failure:
            raise failure.at(_offset(failure, template, start)) from None
        except FAULTS as error:
            unknown = [root for root in roots if root not in names and f'"{root}" is not known here' in str(error)]
            hint = nearest(unknown[0], names) if unknown else ""
            raise RenderFailure(explain(error) + hint, _offset(error, template, start)) from None

    return run


@lru_cache(maxsize=1)
def _sandbox() -> Sandbox:
    return install(Sandbox())


def _compiled(source: str, field_kind: str) -> tuple[Template, int, tuple[str, ...]]:
    """The compiled template, where its expression starts, and the names that it takes from outside."""
    sandbox = _sandbox()
    start = 1
    try:
        tree, _ = parsed(source, field_kind)
        walk = judged(tree, source)
        if walk.faults.found:
            raise RenderFailure(walk.faults.found[0].message, walk.faults.found[0].start)
        if not isinstance(tree, nodes.Template):
            start = start_of(tree)
            target = nodes.Name(RESULT, "store", lineno=start)
            tree = nodes.Template([nodes.Assign(target, tree, lineno=start)], lineno=1)
        tree = Rewriter().visit(tree)
        tree.set_environment(sandbox)
        code = sandbox.compile(tree, filename=CODE_NAME)
    except SyntaxFault as fault:
        raise RenderFailure(fault.message, fault.start) from None
    except (SyntaxError, TemplateSyntaxError, RecursionError, MemoryError) as error:
        # The guard's bounds are far below Python's own; this is the net under them.
        raise RenderFailure(f"the template is too complicated: {explain(error)}", 0) from None
    roots = tuple({path[0] for path in walk.references})
    return Template.from_code(sandbox, code, sandbox.globals), start - 1, roots


def _joined(pieces: Iterator[str]) -> str:
    parts = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_OUTPUT:
            raise RenderFailure(too_long("the text"))
        parts.append(piece)
    return "".join(parts)


def _result(pieces: Iterator[str], context: Context, meter: Meter) -> Json:
    list(pieces)  # runs the one assignment
    value = context.vars[RESULT]
    meter.keep(value)
    if isinstance(value, str) and len(value) > MAX_OUTPUT:
        raise RenderFailure(too_long("the text"))
    return deeply_plain(value)


def _offset(error: BaseException, template: Template, start: int) -> int:
    """The character of the template where ``error`` was raised: the lines of its code are mapped to offsets."""
    line = None
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == CODE_NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return start if line is None else max(template.get_corresponding_lineno(line) - 1, 0)

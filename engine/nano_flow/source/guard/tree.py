"""Walks a template's syntax tree before anything is compiled, against an allow-list, and collects its references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from jinja2 import nodes

from nano_flow.source.guard import syntax
from nano_flow.source.guard.calls import check_call, check_filter, check_test
from nano_flow.source.guard.faults import Fault, Faults
from nano_flow.source.guard.sizes import check_product, check_repetition
from nano_flow.source.guard.vocabulary import LOOP_MEMBERS, RESERVED

Path = tuple[str, ...]
Analysis = tuple[Literal["text", "value", "expression"], tuple[Path, ...], tuple[int, ...]]

MAX_DEPTH = 60
MAX_BRANCHES = 100
NOT_TO_BE_SET = RESERVED | {"loop", "range", "steps", "inputs", "env", "run"}


def analyse(source: str, field_kind: str) -> Analysis | tuple[Fault, ...]:
    """Form, references and their offsets of a template (``field_kind`` template) or of an expression; or its faults."""
    try:
        tree, form = parsed(source, field_kind)
    except syntax.SyntaxFault as fault:
        return (Fault(fault.code, fault.message, fault.start, fault.start + 1, fault.hint),)
    walk = judged(tree, source)
    if walk.faults.found:
        return tuple(walk.faults.found)
    return form, tuple(walk.references), tuple(walk.offsets)


def judged(tree: nodes.Node, source: str) -> Walk:
    """The tree of ``source``, walked: its faults, and its references where it has none."""
    walk = Walk(Faults(source))
    walk.visit(tree, 0)
    return walk


def parsed(source: str, field_kind: str) -> tuple[nodes.Node, Literal["text", "value", "expression"]]:
    """The tree and its form: a ``nodes.Template`` for texts, an expression for everything else. Raises SyntaxFault."""
    if field_kind == "expression":
        if not source.lstrip().startswith(("{{", "{%", "{#")):
            return syntax.parse_expression(source), "expression"
        single = _single(syntax.parse_template(source.rstrip()))
        if single is None:
            message = "one bare expression is expected here, not a text with tags"
            raise syntax.SyntaxFault(
                "NF408", message, 0, "write the expression without `{{ }}`, or exactly one `{{ … }}`"
            )
        return single, "expression"
    tree = syntax.parse_template(source)
    single = _single(tree)
    return (tree, "text") if single is None else (single, "value")


def _single(tree: nodes.Template) -> nodes.Expr | None:
    """The expression where the whole template is one ``{{ … }}`` (and the line break that a block scalar ends with)."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    first, *rest = tree.body[0].nodes
    if isinstance(first, nodes.TemplateData):
        return None
    alone = not rest or (len(rest) == 1 and isinstance(rest[0], nodes.TemplateData) and rest[0].data == "\n")
    return first if alone else None


@dataclass(slots=True)
class Walk:
    """One pass over one tree."""

    faults: Faults
    references: list[Path] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    scopes: list[set[str]] = field(default_factory=lambda: [set()])
    rounds: int = 1

    def visit(self, node: nodes.Node | None, depth: int) -> None:
        """Check ``node`` and everything below it."""
        if node is None or self.faults.full:
            return
        if depth > MAX_DEPTH:
            self.faults.add("NF405", f"nested too deeply: at most {MAX_DEPTH} operations inside each other", node)
            self.faults.full = True
            return
        handler = HANDLERS.get(type(node))
        if handler is None:
            self.faults.add("NF403", f"{FOREIGN.get(type(node), 'this')} is not part of the language", node)
            return
        handler(self, node, depth)

    def children(self, node: nodes.Node, depth: int) -> None:
        """Check everything below ``node``."""
        for child in node.iter_child_nodes():
            self.visit(child, depth + 1)

    def body(self, statements: list[nodes.Node], depth: int, names: set[str]) -> None:
        """Check statements, in a scope of their own that begins with ``names``."""
        self.scopes.append(names)
        for statement in statements:
            self.visit(statement, depth + 1)
        self.scopes.pop()

    def is_local(self, name: str) -> bool:
        """True where the template itself has set ``name``."""
        return any(name in scope for scope in self.scopes)

    def targets(self, node: nodes.Node) -> set[str]:
        """The names that ``node`` sets."""
        names: set[str] = set()
        for child in [node] if isinstance(node, nodes.Name) else node.find_all(nodes.Name):
            if child.name in NOT_TO_BE_SET or child.name.startswith("_"):
                self.faults.add("NF406", f'"{child.name}" cannot be set', child, width=len(child.name))
            names.add(child.name)
        if next(node.find_all(nodes.NSRef), None) is not None or isinstance(node, nodes.NSRef):
            self.faults.add("NF403", "a member cannot be set, only a name", node)
        return names


def _reference(walk: Walk, node: nodes.Node, depth: int) -> None:
    """A name, or a chain of members that hangs on one."""
    parts: list[tuple[str, nodes.Node]] = []
    inner: nodes.Node = node
    while True:
        if isinstance(inner, nodes.Getattr):
            parts.append((inner.attr, inner))
        elif isinstance(inner, nodes.Getitem) and isinstance(inner.arg, nodes.Const):
            parts.append((inner.arg.value if isinstance(inner.arg.value, str) else "", inner))
        else:
            break
        inner = inner.node
        depth += 1
    for name, where in parts:
        if name.startswith("_"):
            walk.faults.add("NF406", f'"{name}": a member does not start with "_"', where, width=len(name) + 1)
    if depth > MAX_DEPTH or not isinstance(inner, nodes.Name):
        walk.visit(inner, depth + 1)
        return
    members = [name for name, _ in reversed(parts)]
    constant = members[: members.index("")] if "" in members else members
    _name(walk, inner, tuple(constant))


def _name(walk: Walk, node: nodes.Name, members: Path) -> None:
    name = node.name
    if name == "loop":
        _loop(walk, node, members)
    elif walk.is_local(name):
        return
    elif name.startswith("_") or name in RESERVED:
        walk.faults.add("NF406", f'"{name}" is not a name of the language', node, width=len(name))
    elif name == "range":
        walk.faults.add("NF404", '"range" is a function', node, "write `range(10)`", width=5)
    elif name == "steps" and not members:
        message = '"steps" needs the id of one step, written out: what runs first depends on it'
        walk.faults.add("NF407", message, node, "write `steps.ID.output`", width=5)
    else:
        walk.references.append((name, *members))
        walk.offsets.append(walk.faults.offset(node))


def _loop(walk: Walk, node: nodes.Name, members: Path) -> None:
    if not walk.is_local("loop"):
        walk.faults.add("NF407", '"loop" exists only inside a `for`', node, width=4)
    elif not members or members[0] not in LOOP_MEMBERS:
        shown = f'"loop" has no "{members[0]}"' if members else '"loop" is not a value'
        walk.faults.add("NF407", shown, node, f"its members are {', '.join(sorted(LOOP_MEMBERS))}", width=4)


def _getitem(walk: Walk, node: nodes.Getitem, depth: int) -> None:
    _reference(walk, node, depth) if isinstance(node.arg, nodes.Const) else walk.children(node, depth)


def _for(walk: Walk, node: nodes.For, depth: int) -> None:
    if node.recursive:
        walk.faults.add("NF403", "a recursive `for` is not part of the language", node)
    walk.visit(node.iter, depth + 1)
    names = walk.targets(node.target)
    walk.body([node.test] if node.test else [], depth, set(names))
    before, walk.rounds = walk.rounds, check_product(walk.faults, node, walk.rounds)
    walk.body(node.body, depth, names | {"loop"})
    walk.rounds = before
    walk.body(node.else_, depth, set())


def _if(walk: Walk, node: nodes.If, depth: int) -> None:
    if len(node.elif_) > MAX_BRANCHES:
        walk.faults.add("NF405", f"an `if` has at most {MAX_BRANCHES} `elif`s; look the value up in a mapping", node)
        return
    walk.children(node, depth)


def _assign(walk: Walk, node: nodes.Assign, depth: int) -> None:
    walk.visit(node.node, depth + 1)
    walk.scopes[-1] |= walk.targets(node.target)


def _assign_block(walk: Walk, node: nodes.AssignBlock, depth: int) -> None:
    walk.body([*([node.filter] if node.filter else []), *node.body], depth, set())
    walk.scopes[-1] |= walk.targets(node.target)


def _with(walk: Walk, node: nodes.With, depth: int) -> None:
    for value in node.values:
        walk.visit(value, depth + 1)
    names: set[str] = set()
    for target in node.targets:
        names |= walk.targets(target)
    walk.body(node.body, depth, names)


def _filter_block(walk: Walk, node: nodes.FilterBlock, depth: int) -> None:
    walk.visit(node.filter, depth + 1)
    walk.body(node.body, depth, set())


def _multiplied(walk: Walk, node: nodes.Mul, depth: int) -> None:
    if check_repetition(walk.faults, node):
        walk.children(node, depth)


def _filter(walk: Walk, node: nodes.Filter, depth: int) -> None:
    check_filter(walk.faults, node)
    walk.children(node, depth)


def _test(walk: Walk, node: nodes.Test, depth: int) -> None:
    check_test(walk.faults, node)
    walk.children(node, depth)


def _call(walk: Walk, node: nodes.Call, depth: int) -> None:
    is_range = isinstance(node.node, nodes.Name) and node.node.name == "range" and not walk.is_local("range")
    if check_call(walk.faults, node, is_range=is_range):
        for argument in node.args:
            walk.visit(argument, depth + 1)


def _children(walk: Walk, node: nodes.Node, depth: int) -> None:
    walk.children(node, depth)


def _nothing(walk: Walk, node: nodes.Node, depth: int) -> None:
    del walk, node, depth


Handler = Callable[[Walk, "nodes.Node", int], None]
_PLAIN = (
    nodes.Template, nodes.Output, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword,
    nodes.CondExpr, nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand, nodes.Div, nodes.FloorDiv, nodes.Add,
    nodes.Sub, nodes.Mod, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos,
)  # fmt: skip
HANDLERS: dict[type[nodes.Node], Handler] = {
    **dict.fromkeys(_PLAIN, _children),
    nodes.Const: _nothing,
    nodes.TemplateData: _nothing,
    nodes.Name: _reference,
    nodes.Getattr: _reference,
    nodes.Getitem: _getitem,  # type: ignore[dict-item]
    nodes.If: _if,  # type: ignore[dict-item]
    nodes.For: _for,  # type: ignore[dict-item]
    nodes.Assign: _assign,  # type: ignore[dict-item]
    nodes.AssignBlock: _assign_block,  # type: ignore[dict-item]
    nodes.With: _with,  # type: ignore[dict-item]
    nodes.FilterBlock: _filter_block,  # type: ignore[dict-item]
    nodes.Mul: _multiplied,  # type: ignore[dict-item]
    nodes.Filter: _filter,  # type: ignore[dict-item]
    nodes.Test: _test,  # type: ignore[dict-item]
    nodes.Call: _call,  # type: ignore[dict-item]
}
FOREIGN: dict[type[nodes.Node], str] = {
    nodes.Pow: "`**`",
    nodes.Include: "`include`",
    nodes.Import: "`import`",
    nodes.FromImport: "`import`",
    nodes.Extends: "`extends`",
    nodes.Macro: "`macro`",
    nodes.CallBlock: "`call`",
    nodes.Block: "`block`",
    nodes.ScopedEvalContextModifier: "`autoescape`",
    nodes.Scope: "`autoescape`",
}

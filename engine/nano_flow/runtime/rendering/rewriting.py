"""Rewrites a checked tree so that every part whose cost depends on data pays for it: loops, literals, joins, slices."""

from __future__ import annotations

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

BUILD, JOIN, LOOP, SLICE, WEIGH = "~build", "~join", "~loop", "~slice", "~weigh"
"""Names of filters that only this module can put into a tree: no template can write them."""


class Rewriter(NodeTransformer):
    """Puts internal filters around the parts that have to be metered."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        """Pay for all rounds of a loop before the first."""
        work, characters = weigh_body([*node.body, *([node.test] if node.test else [])])
        self.generic_visit(node)
        node.iter = _filter(node.iter, LOOP, nodes.Const(work), nodes.Const(characters))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        """``a ~ b`` is joined by a filter that knows the sizes."""
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), JOIN)

    def visit_List(self, node: nodes.List) -> nodes.Expr:
        """A list that is not constant is weighed when it is made."""
        return self._container(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:
        """A mapping that is not constant is weighed when it is made."""
        return self._container(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:
        """A tuple is a list, but where it is a target."""
        return node if node.ctx == "store" else self._container(node)

    def _container(self, node: nodes.Expr) -> nodes.Expr:
        constant = all(isinstance(inner, (nodes.Const, nodes.Pair)) for inner in node.iter_child_nodes())
        self.generic_visit(node)
        return node if constant and isinstance(node, (nodes.List, nodes.Dict)) and _flat(node) else _filter(node, BUILD)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:
        """A slice copies, and so pays for its length."""
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            return node
        bounds = (node.arg.start, node.arg.stop, node.arg.step)
        return _filter(node.node, SLICE, *(bound or nodes.Const(None) for bound in bounds))

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        """Comparing looks at whole values."""
        self.generic_visit(node)
        node.expr = _weighed(node.expr)
        for operand in node.ops:
            operand.expr = _weighed(operand.expr)
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Output:
        """Errors are shown at the beginning of a tag's expression."""
        self.generic_visit(node)
        for child in node.nodes:
            if not isinstance(child, nodes.TemplateData):
                child.lineno = start_of(child)
        return node


def start_of(node: nodes.Node) -> int:
    """The smallest line number (an offset + 1) in ``node``."""
    inner = [child.lineno for child in node.find_all(nodes.Node) if child.lineno]
    return min([*inner, *([node.lineno] if node.lineno else [])], default=1)


def weigh_body(body: list[nodes.Node]) -> tuple[int, int]:
    """Nodes and characters of statements that one round pays for; loops inside pay for their own."""
    work, characters = 1, 0
    stack = list(body)
    while stack:
        node = stack.pop()
        work += 1
        if isinstance(node, nodes.TemplateData):
            characters += len(node.data)
        if isinstance(node, nodes.For):
            stack.append(node.iter)
            stack.extend(node.else_)
        else:
            stack.extend(node.iter_child_nodes())
    return work, characters


def _flat(node: nodes.Expr) -> bool:
    return not any(isinstance(inner, (nodes.Filter, nodes.Name)) for inner in node.find_all(nodes.Node))


def _weighed(node: nodes.Expr) -> nodes.Expr:
    # a list or mapping that is still a literal here is constant and small
    return node if isinstance(node, (nodes.Const, nodes.List, nodes.Dict)) else _filter(node, WEIGH)


def _filter(node: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)

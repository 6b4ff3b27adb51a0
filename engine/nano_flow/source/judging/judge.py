"""The judge: goes through a schema and a value side by side, keyword by keyword."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nano_flow.core.messages import Json
from nano_flow.source.judging.meter import Meter
from nano_flow.source.judging.pointer import NoTarget, find
from nano_flow.source.judging.values import shown

Schema = dict[str, Json]


class Unusable(Exception):
    """The schema itself cannot be judged by; ``str()`` says why."""


class Fault(NamedTuple):
    """One violation: where in the value, and what."""

    path: tuple[str | int, ...]
    message: str

    def below(self, step: str | int) -> Fault:
        """The same, seen from one level up."""
        return Fault((step, *self.path), self.message)


@dataclass(slots=True)
class Judge:
    """One judgement under the schema ``root``."""

    root: Json
    meter: Meter
    rules: Mapping[str, Rule]
    targets: dict[str, Json] = field(default_factory=dict)
    keys: dict[int, frozenset[str]] = field(default_factory=dict)
    """The keys of each list of an ``enum`` that was looked at; the lists live as long as ``root``."""

    def faults(self, value: Json, schema: Json) -> Iterator[Fault]:
        """What is wrong with ``value`` under ``schema``, in the order of the schema's keywords."""
        self.meter.work()
        if schema is False:
            yield Fault((), f"False schema does not allow {shown(value)}")
        if not isinstance(schema, dict):
            return
        for keyword, argument in schema.items():
            rule = self.rules.get(keyword)
            if rule is not None:
                self.meter.work()
                yield from rule(self, argument, value, schema)

    def fits(self, value: Json, schema: Json) -> bool:
        """Whether ``value`` is valid under ``schema``."""
        return next(self.faults(value, schema), None) is None

    def target(self, reference: Json) -> Json:
        """The schema that ``$ref`` names. Raises Unusable; nothing is ever fetched."""
        if not isinstance(reference, str):
            raise Unusable(f'"$ref" is no text: {shown(reference)}')
        if reference not in self.targets:
            self.targets[reference] = self._found(reference)
        return self.targets[reference]

    def _found(self, reference: str) -> Json:
        own = self.root.get("$id") if isinstance(self.root, dict) else None
        inside = reference
        if isinstance(own, str) and own and reference.startswith(own.rstrip("#")):
            inside = reference[len(own.rstrip("#")) :] or "#"  # its own name is an address inside of it
        target = find(self.root, inside)
        if isinstance(target, NoTarget) or not isinstance(target, dict | bool):
            raise Unusable(f'there is nothing at "{reference}"')
        return target


Rule = Callable[[Judge, Json, Json, Schema], Iterator[Fault]]
"""(judge, the keyword's argument, the value, the schema around it) → faults. An ill-typed argument judges nothing."""

"""How every kind of step of the language is executed: each in the module of ``steps/kinds`` that has its name."""

from __future__ import annotations

from importlib import import_module

from nano_flow.steps.kind import Kind


class _Kinds(dict[str, Kind]):
    """Kinds by name. One is imported when a step of it is first due: a run of commands loads no agent."""

    def __missing__(self, name: str) -> Kind:
        kind: Kind = import_module(f"nano_flow.steps.kinds.{name}").KIND
        self[name] = kind
        return kind


KINDS: dict[str, Kind] = _Kinds()

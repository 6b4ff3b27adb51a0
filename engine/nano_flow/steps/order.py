"""What is to be executed, as plain data: whoever has the plan and the services can do it, in whatever process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nano_flow.core.messages import Json
from nano_flow.core.refs import Address

Names = Mapping[str, object]
"""What templates may name: plain data, and read-only views of it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One execution of one step.

    ``plan`` is the digest of its plan, ``path`` the step's address in that without indices. ``budgets`` are the
    scopes that pay, from the run inwards. ``generation`` counts the attempts of the retries around it.
    """

    plan: str
    path: str
    address: Address
    names: Names
    budgets: tuple[str, ...] = ("",)
    generation: int = 0

    def as_json(self, secret: Collection[str] = ()) -> dict[str, Json]:
        """The order as JSON, without the ``secret`` inputs: who executes it has them from elsewhere."""
        names = plain(self.names)
        assert isinstance(names, dict)
        inputs = names.get("inputs")
        if isinstance(inputs, dict):
            names["inputs"] = {name: value for name, value in inputs.items() if name not in secret}
        return {
            "plan": self.plan,
            "path": self.path,
            "address": str(self.address),
            "names": names,
            "budgets": [*self.budgets],
            "generation": self.generation,
        }

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> Order:
        """The order that ``as_json`` wrote. ValueError for anything else."""
        names, budgets, generation = data.get("names"), data.get("budgets"), data.get("generation")
        texts = [data.get(key) for key in ("plan", "path", "address")]
        if not isinstance(names, dict) or not isinstance(budgets, list) or not isinstance(generation, int):
            raise ValueError("not an order: it needs names, budgets and a generation")
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("not an order: it needs a plan, a path and an address")
        plan, path, address = map(str, texts)
        return Order(plan, path, Address(address), names, tuple(str(scope) for scope in budgets), generation)


def plain(value: object) -> Json:
    """Plain data, and views of it as the data that they show."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    assert value is None or isinstance(value, bool | int | float | str), f"{type(value).__name__} is no plain data"
    return value

"""Executions that are left to workers: what they are told, what they tell, and who carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from nano_flow.core.messages import Json
from nano_flow.core.money import ZERO, Money
from nano_flow.core.outcomes import StepOutcome, Succeeded
from nano_flow.steps.order import Order
from nano_flow.steps.outcome_json import outcome_json, read_outcome

Shared = Mapping[str, Json]
"""What all items of a fan-out see, as JSON: it is written once."""


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """One execution for a worker. ``order.names`` are those that it sees alone; ``shared`` the others.

    ``digest`` is the step's, ``above`` that of all it stands in. ``starts`` is how many steps it may start. ``kept`` is
    what earlier attempts of a retried group around it finished inside, by address; None where nothing is repeated.
    """

    label: str
    order: Order
    digest: str
    asked: str
    above: str = ""
    item: int | None = None
    starts: int = 0
    kept: Mapping[str, PlacedResult] | None = None
    conversations: Mapping[str, Json] | None = None
    pausing: tuple[str, ...] = ()
    """The budgets that pause the run when they are reached."""

    def as_json(self) -> dict[str, Json]:
        """Everything but what is shared."""
        data = self.order.as_json()
        data |= {"digest": self.digest, "above": self.above, "item": self.item, "starts": self.starts}
        if self.pausing:
            data["pausing"] = list(self.pausing)
        if self.kept is not None:
            data["kept"] = {address: result.as_json() for address, result in self.kept.items()}
        if self.conversations:
            data["conversations"] = dict(self.conversations)
        return data

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> PlacedOrder:
        """What ``as_json`` wrote. ValueError for anything else."""
        order, item, kept = Order.from_json(data), data.get("item"), data.get("kept")
        starts, conversations = data.get("starts"), data.get("conversations")
        return PlacedOrder(
            "",
            order,
            str(data.get("digest", "")),
            "",
            str(data.get("above", "")),
            item if isinstance(item, int) else None,
            starts if isinstance(starts, int) else 0,
            {a: PlacedResult.from_json(r) for a, r in kept.items()} if isinstance(kept, dict) else None,
            conversations if isinstance(conversations, dict) else None,
            tuple(str(scope) for scope in pausing) if isinstance(pausing := data.get("pausing"), list) else (),
        )


@dataclass(frozen=True, slots=True)
class PlacedResult:
    """What became of an execution, and what it cost; ``started`` counts the leaf steps in it.

    ``kept`` is what of it a retry of a group around it need not repeat. ``fresh`` is False where all was recorded.
    """

    outcome: StepOutcome
    model: str | None = None
    cost: Money = ZERO
    fresh: bool = True
    started: int = 0
    kept: Mapping[str, PlacedResult] | None = None
    conversation: Json = None
    stop: Mapping[str, Json] | None = None
    """Why the whole run has to stop, where something in the execution ordered that."""

    @property
    def good(self) -> bool:
        """Whether it serves as it is when the same is asked again."""
        return isinstance(self.outcome, Succeeded)

    def as_json(self) -> dict[str, Json]:
        """As stores keep it."""
        data: dict[str, Json] = {"outcome": outcome_json(self.outcome), "fresh": self.fresh, "started": self.started}
        if self.model is not None or self.cost:
            data |= {"model": self.model, "cost": self.cost}
        if self.kept:
            data["kept"] = {address: result.as_json() for address, result in self.kept.items()}
        if self.conversation is not None:
            data["conversation"] = self.conversation
        if self.stop is not None:
            data["stop"] = dict(self.stop)
        return data

    @staticmethod
    def from_json(data: Json) -> PlacedResult:
        """What ``as_json`` wrote. ValueError for anything else."""
        if not isinstance(data, dict) or not isinstance(outcome := data.get("outcome"), dict):
            raise ValueError("not the result of an execution")
        model, cost, started, kept = (data.get(name) for name in ("model", "cost", "started", "kept"))
        return PlacedResult(
            read_outcome(outcome),
            model if isinstance(model, str) else None,
            Money(cost) if isinstance(cost, int) else ZERO,
            data.get("fresh") is not False,
            started if isinstance(started, int) else 0,
            {a: PlacedResult.from_json(r) for a, r in kept.items()} if isinstance(kept, dict) else None,
            data.get("conversation"),
            stop if isinstance(stop := data.get("stop"), dict) else None,
        )


@dataclass(frozen=True, slots=True)
class Carriage:
    """An order on its way: ``shared`` is made once for each name; ``wait_s`` is how long a worker may be missing.

    ``stop`` says why the run is being stopped, where it is: whoever has the execution stops alike.
    """

    placed: PlacedOrder
    name: str
    shared: Callable[[], Shared]
    wait_s: float
    stop: Callable[[], Mapping[str, Json] | None]


class Places(Protocol):
    """Carries executions to workers and their results back."""

    def takes(self, label: str) -> bool:
        """Whether executions of ``label`` are left to workers here, or done where the run is."""

    async def execute(self, carriage: Carriage) -> PlacedResult:
        """What a worker made of it. Cancelling it stops the execution.

        Raises StepError: ``no_worker`` where none is there for long, ``secret`` where none may know what it quotes.
        """

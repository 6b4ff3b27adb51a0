"""Steps that are done elsewhere: the desk of a run that leaves them, and the session of a worker that does them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import cast

from nano_flow.core.calls import Reopened, StepsReopened
from nano_flow.core.errors import StoreError
from nano_flow.core.events import ApprovalAnswered, NoticeGiven
from nano_flow.core.money import usd
from nano_flow.core.outcomes import Failed, Failure, Waiting
from nano_flow.core.refs import ModelRef, path_of
from nano_flow.core.secrets.naming import in_force
from nano_flow.executors.desk import AgainDesk, Desk, Talk
from nano_flow.parts import Parts, Surroundings, redactor
from nano_flow.plan.plan import Plan, PlannedStep
from nano_flow.plan.walk import every_plan, every_step, is_placed
from nano_flow.ports import Journal, RecordedWork
from nano_flow.ports.budgets import Charge
from nano_flow.ports.placed import Claimed, HandedState, PlacedJournal
from nano_flow.ports.store import Store
from nano_flow.project.around.own import in_own_workspace
from nano_flow.project.around.shared import absent_workspace, mark_workspace, unmark_workspace
from nano_flow.project.opening import open_workflow
from nano_flow.project.preparing import PreparedRun, RunOptions, with_options
from nano_flow.runtime.execution.carrying import Carrier
from nano_flow.runtime.limits import Slots, Stop
from nano_flow.runtime.recorder import Recorder
from nano_flow.steps.context import Services
from nano_flow.steps.patience import Patience
from nano_flow.steps.placing import PlacedOrder, PlacedResult, Shared
from nano_flow.stores.abandoned import abandoned
from nano_flow.stores.answers import AnsweredAnywhere
from nano_flow.stores.recorded import recorded_work
from nano_flow.stores.sealing import Seal, Unseal, seals

_SLOTS = 10_000
"""The owner of a run bounds how many of its executions are out; a worker does what it has taken."""


def desk_of(prepared: PreparedRun, where: Surroundings, given: tuple[Journal, Recorder]) -> Desk | None:
    """Where a run leaves its placed steps; None where it has none, or its store knows no workers."""
    journal, recorder = given
    store = where.store
    if not is_placed(prepared.plan) or not hasattr(store, "placed"):
        return None
    if not store.embedded:
        mark_workspace(prepared)
    shared = cast(PlacedJournal, journal)
    shared.share()
    seal, unseal = seals(recorder.secrets, in_force(where.environ, lambda name: prepared.secrets.get(f"input:{name}")))

    def notice(address: str, said: str) -> None:
        recorder.emit(NoticeGiven(where.clock.now(), address, said))

    talk = Talk(prepared.record.run_id, shared, store, seal, unseal, recorder.show, notice)
    return Desk(talk)


def forget_placed(prepared: PreparedRun, where: Surroundings) -> None:
    """A run that has succeeded needs nothing of what workers handed in."""
    where.store.placed.forget(prepared.record.run_id)
    unmark_workspace(prepared)


def forget_reopened(store: Store, run_id: str, order: StepsReopened) -> None:
    """What is to be done again is not taken from what workers handed in before."""
    reaches = Reopened(order).reaches
    again = [address for address in store.placed.known(run_id) if reaches(address)]
    if again:
        store.placed.forget(run_id, again)


@dataclass(slots=True)
class Session:
    """One run, as a worker that does some of its steps has it: opened once, used for many executions."""

    prepared: PreparedRun
    where: Surroundings
    journal: PlacedJournal
    recorder: Recorder
    parts: Parts
    desk: Desk
    store: Store
    _seal: Seal
    _unseal: Unseal
    _shared: dict[str, Shared] = field(default_factory=dict)
    _carriers: dict[str, Carrier] = field(default_factory=dict)
    _steps: dict[str, list[PlannedStep]] = field(default_factory=dict)
    _plans: dict[str, Plan] = field(default_factory=dict)

    @classmethod
    async def opened(cls, run_id: str, token: str, where: Surroundings) -> Session:
        """Open a run under the fence of a seat. Raises StoreError, DocumentError, UsageError."""
        store = where.store
        prepared = await asyncio.to_thread(_recorded, store, run_id)
        prepared = await in_own_workspace(prepared, where.state, where.environ, where.tree)
        return await asyncio.to_thread(cls._made, prepared, store, token, where)

    @classmethod
    def _made(cls, prepared: PreparedRun, store: Store, token: str, where: Surroundings) -> Session:
        run_id = prepared.record.run_id
        journal = store.placed.journal(run_id, prepared.record.workflow, token)
        recorder = Recorder(journal, [], redactor(prepared, where.environ))
        seal, unseal = seals(recorder.secrets, in_force(where.environ, lambda name: None))
        parts = Parts.build(prepared, where, (recorder, recorded_work(()), None))
        desk = Desk(Talk(run_id, journal, store, seal, unseal))
        session = cls(prepared, where, journal, recorder, parts, desk, store, seal, unseal)
        session._index()
        return session

    def _index(self) -> None:
        plan = self.prepared.plan
        for path, step in every_step(plan.graph):
            self._steps.setdefault(path, []).append(step)
        for each in every_plan(plan):
            self._plans[each.digest] = replace(each, workspace=plan.workspace)

    async def execute(self, claimed: Claimed) -> None:
        """Do an execution and hand in what became of it. Cancelling it without an order hands nothing in."""
        try:
            state, result = await self._done(claimed)
        except asyncio.CancelledError:
            carrier = self._carriers.get(claimed.address)
            if carrier is None or not carrier.ordered:
                raise
            self.journal.hand_in(claimed.address, "held", "", good=False)
            return
        finally:
            self._carriers.pop(claimed.address, None)
        self.journal.hand_in(claimed.address, state, self._seal(result.as_json()), good=result.good)

    @property
    def busy(self) -> bool:
        """Whether something is under way in it."""
        return bool(self._carriers)

    def stop(self, address: str, stop: Stop | None) -> bool:
        """Stop an execution as its owner says; True where it is under way here."""
        carrier = self._carriers.get(address)
        if carrier is None:
            return False
        carrier.stop(stop)
        return True

    async def close(self) -> None:
        """Let the run go."""
        await self.desk.shut()
        await self.parts.close()
        with suppress(StoreError):
            await self.journal.close()

    async def _done(self, claimed: Claimed) -> tuple[HandedState, PlacedResult]:
        try:
            placed = PlacedOrder.from_json(dict(self._unseal(claimed.body)))
            shared = await self._names(claimed)
            step, plan = self._found(placed, claimed.address)
        except ValueError as error:
            return "done", PlacedResult(Failed(Failure("placement", str(error))))
        absent = None if self.store.embedded else absent_workspace(self.prepared, step)
        if absent is not None:
            return "done", PlacedResult(Failed(Failure("workspace", absent)))
        past, own = None, None
        if claimed.past >= 0:
            past, _ = await asyncio.to_thread(self.store.placed.past, claimed.run_id, claimed.address)
            own = Parts.build(self.prepared, self.where, (self.recorder, past, None))
            await self._close_unknown(past)
        services = self._services((own or self.parts).services, past)
        carrier = Carrier(services, Slots(_SLOTS, self.where.clock), placed)
        self._carriers[claimed.address] = carrier
        try:
            result = await carrier.run(plan, step, shared)
        finally:
            if own is not None:
                await own.close()
        return "waiting" if isinstance(result.outcome, Waiting) else "done", result

    async def _names(self, claimed: Claimed) -> Shared:
        shared = self._shared.get(claimed.scope)
        if shared is None:
            text = await asyncio.to_thread(self.store.placed.scope, claimed.run_id, claimed.scope)
            shared = self._shared[claimed.scope] = self._unseal(text)
        return shared

    def _found(self, placed: PlacedOrder, address: str) -> tuple[PlannedStep, Plan]:
        plan = self._plans.get(placed.order.plan)
        step = next((one for one in self._steps.get(path_of(address), ()) if one.digest == placed.digest), None)
        if plan is None or step is None:
            raise ValueError(f'the step at "{address}" is not in the documents that the run was recorded with')
        return step, plan

    def _services(self, services: Services, past: RecordedWork | None) -> Services:
        where, patience = self.where, Patience()
        approver = AnsweredAnywhere(None, self._answers, lambda: patience.busy, where.clock)
        desk = self.desk if past is None else AgainDesk(self.desk)
        return replace(services, patience=patience, approver=approver, places=desk)

    def _answers(self) -> Mapping[str, ApprovalAnswered]:
        with self.store.reader() as reader:
            lookup = in_force(self.where.environ, lambda name: None)
            return reader.approval_answers(self.prepared.record.run_id, lookup)

    async def _close_unknown(self, past: RecordedWork) -> None:
        """Calls that the worker before sent, and whose end nobody saw: they may have been billed."""
        now, record, store = self.where.clock.now(), self.prepared.record, self.store
        for intent in past.unknown_calls:
            await self.recorder.durable(abandoned(intent, now, simulated=self.prepared.record.simulated))
            whose = (record.run_id, intent.address, intent.turn, intent.attempt, intent.at, record.workflow)
            charge = Charge(*whose, ModelRef.parse(intent.model).provider, (), intent.reserved)
            await asyncio.to_thread(store.settle_charge, charge)
            said = f"the result of a call of {intent.model} (turn {intent.turn}) is unknown since its worker was lost"
            self.recorder.emit(NoticeGiven(now, intent.address, f"{said}: ${usd(intent.reserved)} counts as spent"))


def _recorded(store: Store, run_id: str) -> PreparedRun:
    """A run as it was written down last, without its inputs: they come with each order."""
    with store.reader() as reader:
        record = reader.run_record(run_id)
    if record is None:
        raise StoreError(store.place, f'there is no run "{run_id}" any more')
    opened = open_workflow(record.file, None, record.documents)
    options = RunOptions.from_json(record.options)
    return PreparedRun(opened, with_options(opened.plan, options), {}, options, record)

"""What no schema can say of a service.yaml: names that lead nowhere, times that never come, doors that are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.documents.gate.explain import address
from nano_flow.documents.load import ServiceSource
from nano_flow.documents.service import ServedWorkflowDocument
from nano_flow.plan.names.nearest import did_you_mean, listed
from nano_flow.project.service.schedule import fault_of_cron, zone_of
from nano_flow.source.expressions import check_template
from nano_flow.source.source_map import Path as KeyPath

WEBHOOK_NAMES = ("body", "headers")


@dataclass(frozen=True, slots=True)
class _Place:
    """The file that is looked at, and how to say where in it something stands."""

    source: ServiceSource
    path: Path

    def fault(self, code: str, key: KeyPath, message: str, hint: str = "") -> Diagnostic:
        where = self.source.source.value_range(key)
        return Diagnostic("error", code, message, where, address(key), hint)


def service_faults(source: ServiceSource, path: Path) -> list[Diagnostic]:
    """All that is wrong in the service at ``path`` but inside of the workflows that it names."""
    place = _Place(source, path)
    return [fault for look in _LOOKS for fault in look(place)]


def _addresses(place: _Place) -> Iterator[Diagnostic]:
    document = place.source.document
    for key, text, lies in (("store", document.store, "state.db"), ("cache", document.cache, "cache.db")):
        if text and "${" not in text and not urlsplit(text).scheme:
            message = f'"{text}" is no address: expected one such as postgresql://host/database'
            hint = f"leave it out for .nano-flow/{lies}; another folder than .nano-flow is named by --state-dir"
            yield place.fault("NF709", (key,), message, hint)


def _zones(place: _Place) -> Iterator[Diagnostic]:
    document = place.source.document
    named: list[tuple[KeyPath, str | None]] = [
        (("budgets", number, "timezone"), budget.timezone) for number, budget in enumerate(document.budgets or ())
    ]
    named += [
        (("workflows", name, "schedule", "timezone"), served.schedule.timezone)
        for name, served in (document.workflows or {}).items()
        if served.schedule is not None
    ]
    for key, zone in named:
        try:
            zone_of(zone)
        except ValueError as error:
            yield place.fault("NF702", key, str(error), "names are those of the IANA database, such as Europe/Berlin")


def _crons(place: _Place) -> Iterator[Diagnostic]:
    for name, served in _served(place):
        if served.schedule is None:
            continue
        key: KeyPath = ("workflows", name, "schedule", "cron")
        try:
            fault = fault_of_cron(served.schedule.cron)
        except UsageError as error:
            where = place.source.source.value_range(key)
            yield Diagnostic("warning", "NF703", f"this schedule was not looked at: {error}", where, address(key))
            return
        if fault is not None:
            message = f'"{served.schedule.cron}" is no schedule: {fault}'
            yield place.fault("NF703", key, message, 'every night at three: "0 3 * * *"')


def _files(place: _Place) -> Iterator[Diagnostic]:
    for name, served in _served(place):
        if not (place.path.parent / served.file).is_file():
            message = f'"{served.file}" does not exist (the path counts from this file)'
            yield place.fault("NF704", ("workflows", name, "file"), message)


def _doors(place: _Place) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for name, served in _served(place):
        if served.webhook is None:
            continue
        key: KeyPath = ("workflows", name, "webhook")
        first = seen.setdefault(served.webhook.path, name)
        if first != name:
            message = f'the address "/hooks/{served.webhook.path}" starts "{first}" already'
            yield place.fault("NF706", (*key, "path"), message)
        for wanted, text in (served.webhook.inputs or {}).items():
            yield from _template(place, (*key, "inputs", wanted), text)


def _template(place: _Place, key: KeyPath, text: str) -> Iterator[Diagnostic]:
    try:
        template = check_template(text, place.source.source.value_range(key))
    except DocumentError as error:
        yield from error.diagnostics
        return
    for number, reference in enumerate(template.references):
        if reference[0] not in WEBHOOK_NAMES:
            where = template.reference_range(number)
            message = f'a webhook knows no "{reference[0]}": expected body or headers'
            hint = did_you_mean(reference[0], WEBHOOK_NAMES)
            yield Diagnostic("error", "NF707", message, where, address(key), hint)


def _groups(place: _Place) -> Iterator[Diagnostic]:
    bounds: dict[str, tuple[str, int]] = {}
    for name, served in _served(place):
        if served.concurrency is None:
            continue
        group = served.concurrency
        first, bound = bounds.setdefault(group.group, (name, group.at_most))
        if bound != group.at_most:
            message = f'"{first}" says at_most: {bound} for the group "{group.group}", this says {group.at_most}'
            yield place.fault(
                "NF708", ("workflows", name, "concurrency", "at_most"), message, "one group has one bound"
            )


def _budgets(place: _Place) -> Iterator[Diagnostic]:
    from nano_flow.project.service.names import Names

    budgets = place.source.document.budgets or ()
    names = Names(place.path, [served.file for _, served in _served(place)])
    for number, budget in enumerate(budgets):
        key: KeyPath = ("budgets", number)
        if budget.workflow is not None and not names.knows_workflow(budget.workflow):
            message = f'no workflow here has "name: {budget.workflow}"'
            yield place.fault("NF701", (*key, "workflow"), message, _hint(budget.workflow, names.workflows()))
        if budget.provider is not None and budget.provider not in names.providers():
            message = f'providers.yaml declares no provider "{budget.provider}"'
            yield place.fault("NF701", (*key, "provider"), message, _hint(budget.provider, names.providers()))
        for position, tag in enumerate(budget.tags or ()):
            if not names.knows_tag(tag):
                message = f'no step carries the tag "{tag}", and routing.yaml does not declare it'
                yield place.fault("NF701", (*key, "tags", position), message, _hint(tag, names.tags()))


def _hint(name: str, known: frozenset[str]) -> str:
    return did_you_mean(name, known) or (f"there are {listed(sorted(known))}" if known else "")


def _served(place: _Place) -> Iterator[tuple[str, ServedWorkflowDocument]]:
    yield from (place.source.document.workflows or {}).items()


_LOOKS: tuple[Callable[[_Place], Iterator[Diagnostic]], ...] = (
    _addresses,
    _zones,
    _crons,
    _files,
    _doors,
    _groups,
    _budgets,
)

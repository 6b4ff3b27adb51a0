"""The routing document in force, changed at the values that a proposal names, and nowhere else."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import UsageError
from nano_flow.project.files import shown_path
from nano_flow.project.policies import Policies, read_policies
from nano_flow.review.ladders.changes import Change

ROUTING = "routing.yaml"


@dataclass(frozen=True, slots=True)
class RoutingText:
    """The document: where it stands, whether it came with nano-flow, and its text."""

    path: Path
    bundled: bool
    text: str

    def write(self, text: str) -> None:
        """Put ``text`` in its place. Raises UsageError."""
        if self.bundled:
            raise UsageError(
                "the routing.yaml in force comes with nano-flow and is not changed; put one of your own into this "
                "project and ask again"
            )
        try:
            self.path.write_bytes(text.encode("utf-8"))
        except OSError as error:
            raise UsageError(f'"{self.path}" cannot be written: {error.strerror}') from None

    def diff(self, text: str) -> str:
        """What ``text`` changes of it."""
        shown = shown_path(str(self.path))
        return "".join(difflib.unified_diff(self.text.splitlines(True), text.splitlines(True), shown, shown)).rstrip(
            "\n"
        )

    def with_change(self, change: Change, policies: Policies) -> str:
        """The document with a change of thresholds, of a tier's first model, or of a cascade's mark."""
        if change.first is not None:
            return _with_first(policies, *change.first)
        if change.escalate_at is not None:
            return _with_mark(policies, *change.escalate_at)
        names = [tier.name for tier in policies.routing.tiers]
        return with_thresholds(policies, dict(zip(names, change.below, strict=False)))


def routing_file(policies: Policies) -> RoutingText:
    """The document in force."""
    file = next(file for file in policies.files if file.name == ROUTING)
    return RoutingText(file.path, file.found == "bundled", policies.texts[ROUTING])


def with_thresholds(policies: Policies, proposed: Mapping[str, float]) -> str:
    """The document with other thresholds. Raises UsageError where they stand in another file, or are written in a way
    that cannot be changed alone."""
    tiers = policies.routing.tiers
    current = {tier.name: tier.below for tier in tiers}
    edits = []
    for name, below in proposed.items():
        if below != current[name]:
            edits.append(
                (_place(policies, ("tiers", name, "below"), f'the tier "{name}" says its "below"'), f"{below:g}")
            )
    text = _edited(policies, edits)
    again = read_policies(policies.files, {ROUTING: text}).routing.tiers
    if {tier.name: tier.below for tier in again if tier.below is not None} != dict(proposed):
        raise _not_alone(policies, '"below"')
    return text


def _with_first(policies: Policies, name: str, model: str) -> str:
    """The document in which ``model`` and the first model of the tier change places."""
    models = [str(ref) for ref in next(tier for tier in policies.routing.tiers if tier.name == name).models]
    path = ("tiers", name, "models")
    what = f'the tier "{name}" lists its models'
    first, other = (_place(policies, (*path, place), what) for place in (0, models.index(model)))
    text = _edited(policies, [(first, _at(policies, other)), (other, _at(policies, first))])
    again = next(tier for tier in read_policies(policies.files, {ROUTING: text}).routing.tiers if tier.name == name)
    if str(again.models[0]) != model:
        raise _not_alone(policies, f'the list of models of "{name}"')
    return text


def _with_mark(policies: Policies, name: str, mark: float) -> str:
    path = ("cascades", name, "escalate_at") if name else ("cascade", "escalate_at")
    text = _edited(policies, [(_place(policies, path, "the cascade says its escalate_at"), f"{mark:g}")])
    routing = read_policies(policies.files, {ROUTING: text}).routing
    cascade = routing.cascades[name] if name else routing.cascade
    if cascade is None or cascade.escalate_at != mark:
        raise _not_alone(policies, '"escalate_at"')
    return text


def _place(policies: Policies, path: tuple[str | int, ...], what: str) -> SourceRange:
    source = policies.sources[ROUTING]
    at = source.value_range(path)
    if at.file != source.file:
        raise UsageError(
            f"{at}: {what} there: to change it, say it in {source.file}, with a value of yours: {_form(path)}"
        )
    return at


def _form(path: tuple[str | int, ...]) -> str:
    """The line of YAML that says a value; of a list, its name alone."""
    names = [name for name in path if isinstance(name, str)]
    return ": {".join(names) + ": …" + "}" * (len(names) - 1)


def _at(policies: Policies, at: SourceRange) -> str:
    return policies.texts[ROUTING].split("\n")[at.line - 1][at.column - 1 : at.end_column - 1]


def _edited(policies: Policies, edits: list[tuple[SourceRange, str]]) -> str:
    """The text with each place replaced, from the end, so that places before stay where they are."""
    lines = policies.texts[ROUTING].split("\n")
    for at, new in sorted(edits, key=lambda edit: (-edit[0].line, -edit[0].column)):
        line = lines[at.line - 1]
        lines[at.line - 1] = f"{line[: at.column - 1]}{new}{line[at.end_column - 1 :]}"
    return "\n".join(lines)


def _not_alone(policies: Policies, what: str) -> UsageError:
    file = policies.sources[ROUTING].file
    return UsageError(f"{file}: {what} is written in a way that cannot be changed alone: change it by hand")

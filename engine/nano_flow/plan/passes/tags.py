"""Tags: which of them each step has — its own, those around it, and those that come with the data that it quotes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.steps import GroupStep, PromptStep
from nano_flow.plan.draft import Draft, DraftStep, Found, Path, first_errors, problem
from nano_flow.plan.names.nearest import did_you_mean
from nano_flow.plan.passes.references import brings_values


def flow_tags(draft: Draft) -> tuple[Draft, Found]:
    """The tags of every step, as routing.yaml spells them; one that it does not declare is an error."""
    known = _declared(draft)
    found = first_errors(_undeclared(draft, known))
    own = [_spelled(step.document.tags, known) for step in draft.steps]
    head = _spelled(draft.document.tags, known)
    below = {number: plan.tags for number, plan in draft.plans.items() if plan.tags}
    if not (head or any(own) or below):
        return replace(draft, tags=own, tags_written=own), found
    flow = _Flow(draft, head, own, below)
    flow.run()
    written = [tuple(stands) for stands in flow.stands]
    return replace(draft, tags=flow.tags(), tags_written=written, tags_out=flow.given_back()), found


def _declared(draft: Draft) -> dict[str, str] | None:
    """Every declared tag by its lower-case form; None where nothing says which tags there are."""
    routing = draft.context.routing if _uses_tags(draft) else None
    return None if routing is None else {tag.lower(): tag for tag in routing.tags or ()}


def _uses_tags(draft: Draft) -> bool:
    """Whether any tag is written: workflows without any need no policy to be read."""
    return bool(draft.document.tags) or any(step.document.tags for step in draft.steps)


def _spelled(tags: Sequence[str] | None, known: dict[str, str] | None) -> tuple[str, ...]:
    """As declared; case does not count."""
    return tuple(dict.fromkeys((known or {}).get(tag.lower(), tag) for tag in tags or ()))


def _undeclared(draft: Draft, known: dict[str, str] | None) -> Iterator[Diagnostic]:
    if known is None:
        return
    written: list[tuple[Path, Sequence[str]]] = [(("tags",), draft.document.tags or ())]
    written += [((*step.at, "tags"), step.document.tags or ()) for step in draft.steps]
    for at, tags in written:
        for position, tag in enumerate(tags):
            if tag.lower() not in known:
                line = f"tags: [{', '.join((*known.values(), tag))}]"
                near = did_you_mean(tag.lower(), known)
                hint = f"{near} Else declare it in routing.yaml: {line}" if near else f"add to routing.yaml: {line}"
                place = (*at, position)
                message = f'the tag "{tag}" is not declared, so no rule would see it'
                yield problem("NF350", message, draft.where(place), at=place, hint=hint)


@dataclass(slots=True)
class _Flow:
    """Tags on their way. ``stands`` are those written at a step or around it, ``comes`` those that data brings.

    ``gives`` are those of a step's output. A step with ``inherit_tags: false`` takes nothing that comes.
    """

    draft: Draft
    head: tuple[str, ...]
    own: list[tuple[str, ...]]
    below: dict[int, tuple[str, ...]]
    stands: list[dict[str, None]] = field(default_factory=list)
    comes: list[dict[str, None]] = field(default_factory=list)
    gives: list[dict[str, None]] = field(default_factory=list)
    to_reader: dict[int, list[int]] = field(default_factory=dict)
    """Step → the steps that take what it gives."""
    inside: dict[int, list[int]] = field(default_factory=dict)
    """Step → the steps directly inside it."""
    through: dict[int, int] = field(default_factory=dict)
    """Step → the group or switch around it that gives out what it gives."""

    def run(self) -> None:
        """Let everything flow until nothing moves any more; each step is looked at again for new tags only."""
        self._connect()
        count = len(self.draft.steps)
        self.comes, self.gives = [{} for _ in range(count)], [{} for _ in range(count)]
        pending: list[tuple[int, tuple[str, ...], bool]] = []
        for step in self.draft.steps:  # outer before inner
            owner = self.draft.graphs[step.graph].owner
            around = self.stands[owner] if owner is not None else dict.fromkeys(self.head)
            self.stands.append({**around, **dict.fromkeys(self.own[step.number])})
            given = (*self.stands[step.number], *self.below.get(step.number, ()))
            pending.append((step.number, given, True))
        while pending:
            number, tags, out = pending.pop()
            here = self.gives[number] if out else self.comes[number]
            new = tuple(tag for tag in tags if tag not in here)
            if not new or (not out and not self.draft.steps[number].document.inherit_tags):
                continue
            here |= dict.fromkeys(new)
            pending += self._onwards(number, new, out)

    def tags(self) -> list[tuple[str, ...]]:
        """What each step has."""
        return [tuple({**stands, **comes}) for stands, comes in zip(self.stands, self.comes, strict=True)]

    def given_back(self) -> tuple[str, ...]:
        """What the outputs of the file bring to whoever calls it."""
        outputs: Iterable[int] = self.draft.graphs[0].steps
        if self.draft.document.outputs is not None:
            outputs = self.draft.quoted.get(None, ())
        return tuple(dict.fromkeys((*self.head, *(tag for number in outputs for tag in self.gives[number]))))

    def _onwards(self, number: int, new: tuple[str, ...], out: bool) -> Iterator[tuple[int, tuple[str, ...], bool]]:
        if not out:
            yield number, new, True
            yield from ((inner, new, False) for inner in self.inside.get(number, ()))
            return
        yield from ((reader, new, False) for reader in self.to_reader.get(number, ()))
        if number in self.through:
            yield self.through[number], new, True

    def _connect(self) -> None:
        for reader, targets in self.draft.quoted.items():
            for target in targets:
                if reader is not None and self._owner(target) == reader:
                    self.through[target] = reader
                elif reader is not None:
                    self._between(target, reader)
        for step in self.draft.steps:
            self._around(step)
        self._loops_and_failures()

    def _around(self, step: DraftStep) -> None:
        """What is inside gives through what is around it; a conversation brings all that was said."""
        graph, document = self.draft.graphs[step.graph], step.document
        if graph.owner is not None:
            self.inside.setdefault(graph.owner, []).append(step.number)
            if graph.role in ("steps", "case") and not self._says_outputs(graph.owner):
                self.through[step.number] = graph.owner
        if isinstance(document, PromptStep) and document.conversation is not None:
            other = graph.ids.get(document.conversation)
            if other is not None:
                self._between(other, step.number)

    def _loops_and_failures(self) -> None:
        """``previous`` brings what the loop around gave, ``failure`` what any step of the graph may have told."""
        for use in self.draft.uses:
            if use.step is None or not brings_values(self.draft, use):
                continue
            roots = {path[0] for path in use.template.references}
            for around in self.draft.ancestors(use.step):
                repeat = self.draft.steps[around].document.repeat
                if repeat is not None and (repeat.as_ or "previous") in roots:
                    self._between(around, use.step)
            if "failure" in roots:
                for other in self._told_of(use.step):
                    self._between(other, use.step)

    def _told_of(self, step: int) -> Iterable[int]:
        """The steps that a handler's ``failure`` may be about."""
        for around in self.draft.ancestors(step):
            graph = self.draft.graphs[self.draft.steps[around].graph]
            if graph.role in ("on_failure", "finally") and graph.outer is not None:
                return self.draft.graphs[graph.outer].steps
        return ()

    def _owner(self, step: int) -> int | None:
        return self.draft.graphs[self.draft.steps[step].graph].owner

    def _says_outputs(self, step: int) -> bool:
        """Groups that say what they give out give that and no more."""
        document = self.draft.steps[step].document
        return isinstance(document, GroupStep) and document.outputs is not None

    def _between(self, source: int, reader: int) -> None:
        self.to_reader.setdefault(source, []).append(reader)

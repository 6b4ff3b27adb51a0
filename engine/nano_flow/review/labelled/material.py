"""What the journal's labels give a score to learn from: facts and found words, and kept prompts where all were kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nano_flow.core.errors import UsageError
from nano_flow.project.policies import Policies
from nano_flow.review.fitting import Prepared
from nano_flow.review.labelled.held import Known, Labelled, conversations, labelled
from nano_flow.review.learning import Learning, need_the_library, word_groups
from nano_flow.review.recorded import RecordedCall, declared_score, read_prompt
from nano_flow.review.training import train
from nano_flow.review.unseen import advise
from nano_flow.routing.facts import Facts
from nano_flow.routing.labels.conversations import Basis, pair_of
from nano_flow.routing.labels.outcomes import Pair
from nano_flow.routing.reading import read_text

LEAST = 50
"""Prompts below which no figure would mean anything."""


@dataclass(frozen=True, slots=True)
class Material:
    """A pair of models, a row for each prompt, and the word lists that every one of them was searched for."""

    pair: Pair
    basis: Basis
    rows: tuple[Prepared, ...]
    groups: Mapping[str, frozenset[bytes]]


def learn_recorded(calls: Sequence[Known], policies: Policies, weak: str | None, strong: str | None) -> Learning:
    """Train on the labels of ``calls``, to the scale of all of them. Raises UsageError where that cannot be done."""
    texts = all(known[0][0].kept is not None for known in conversations(calls))
    if not texts:  # of some prompts only facts are known: then of all, for a word cannot be missing in half of them
        calls = [(replace(call, kept=None), words) for call, words in calls]
    found = material(labelled(calls), policies, weak, strong)
    need_the_library()
    try:
        trained = train(found.pair, found.rows, found.groups, population(calls, policies))
    except ValueError as error:
        raise UsageError(str(error)) from None
    scores = [row.declared for row in found.rows]
    advised = advise(found.rows, trained.held_out.scores, found.groups)
    return Learning(found.pair, trained, found.basis, (min(scores), max(scores)), advised, texts)


def population(calls: Iterable[Known], policies: Policies) -> list[Prepared]:
    """What each recorded conversation began with, checked or not."""
    return [_row(known[0][0], policies) for known in conversations(calls)]


def material(held: Sequence[Labelled], policies: Policies, weak: str | None, strong: str | None) -> Material:
    """The rows to learn from. Simulated replies count only where their model is named: they say nothing of others.

    Raises UsageError where there are too few, with how many there are, of which models, and what to do.
    """
    used = [each for each in held if not each.simulated or {weak, strong} & each.said.right.keys()]
    try:
        pair, basis = pair_of([each.said for each in used], weak, strong)
    except ValueError as error:
        raise UsageError(_too_few(str(error), held)) from None
    count = len(pair.examples)
    if count < LEAST:
        few = f'{count} labelled prompts tell "{pair.weak}" from "{pair.strong}", at least {LEAST} are needed'
        raise UsageError(_too_few(few, held))
    firsts = {each.said.prompt: each for each in used}
    groups = _searched(word_groups(policies), [firsts[example.prompt] for example in pair.examples])
    rows = [
        replace(_row(firsts[e.prompt].first, policies), gain=e.gain, group=e.group, source=e.group, asked=e.prompt)
        for e in pair.examples
    ]
    return Material(pair, basis, tuple(rows), groups)


def _row(call: RecordedCall, policies: Policies) -> Prepared:
    """Of a text that was not kept only what was found is known."""
    if call.kept is not None:
        kept, counted = read_prompt(call.kept.written)
        facts = Facts(counted, call.facts.step, call.facts.run)
        return Prepared(kept, facts, policies.routing.scorer.score(facts, kept)[0], 0.0, journal=True)
    reading = replace(read_text(""), distinct=frozenset(entry.encode() for entry in call.found))
    return Prepared(reading, call.facts, declared_score(call, policies), 0.0, journal=True)


def _searched(groups: Mapping[str, frozenset[bytes]], held: Sequence[Labelled]) -> dict[str, frozenset[bytes]]:
    """The groups whose words were all looked for in every prompt."""
    if all(each.first.kept is not None for each in held):
        return dict(groups)
    searched = frozenset.intersection(*(each.looked_for or frozenset() for each in held))
    return {name: words for name, words in groups.items() if searched.issuperset(word.decode() for word in words)}


def _too_few(what: str, held: Sequence[Labelled]) -> str:
    replies, passed, simulated = Counter[str](), Counter[str](), set[str]()
    for each in held:
        replies.update(each.said.right.keys())
        passed.update(model for model, right in each.said.right.items() if right)
        simulated |= each.said.right.keys() if each.simulated else set()
    models = "; ".join(
        f"{model} {count} ({passed[model]} passed{', simulated' if model in simulated else ''})"
        for model, count in sorted(replies.items())
    )
    lines = [
        f"the journal cannot be learned from yet: {what}",
        f"its checked conversations, by model: {models or 'none'}",
        "labels come from steps with verify or output_schema, pairs of models from repair: {escalate: true}",
        "run more of them, widen --since and --runs, or give files of outcomes: nano-flow policy train outcomes.jsonl",
    ]
    if simulated:
        lines.insert(2, "simulated replies say nothing of other models: --weak and --strong name them for a rehearsal")
    return "\n".join(lines)

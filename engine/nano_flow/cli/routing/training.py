"""A learned score for the command line: its figures, and whether it was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.core.money import usd
from nano_flow.operations.policy.training import (
    Advised,
    Difference,
    Guard,
    Learning,
    Measured,
    Trained,
    TrainOptions,
    enough,
    train_score,
    write_learned,
)


def train_on(options: Options, data: Sequence[Path], given: TrainOptions) -> int:
    """Train, report, and write if wanted; 1 where the learned score does not beat the declared signals."""
    trained = train_score(options.place, data, given, output.note)
    if options.json:
        target = trained.target if given.write else None
        output.document("nano-flow/policy-train@1", {**figures(trained, target), **_guarded(trained)})
    else:
        output.data(_report(trained))
    return finish(trained, write=given.write)


def finish(trained: Trained, *, write: bool) -> int:
    """Write it where it convinces and that is wanted."""
    if not trained.convinces:
        output.fail(f"{trained.objection}: nothing is written")
        return 1
    if not write:
        output.note(f'nothing is written yet; --write writes "{trained.target}"')
        return 0
    write_learned(trained)
    output.note(f'"{trained.target}" is written; routing.yaml uses it by: {trained.use}')
    return 0


def _report(trained: Trained) -> str:
    learning = trained.learning
    lines = report_lines(learning, f"{learning.pair.weak} → {learning.pair.strong}")
    lines += [
        f"to recover {threshold.target:.0%} of the gain, 19 times in 20: ask the strong model for "
        f"{threshold.strong_share:.0%} of the prompts"
        for threshold in learning.trained.held_out.thresholds
    ]
    if learning.advised is not None:
        lines += _advised(learning.advised)
    if trained.guard is not None:
        lines += _of_tests(trained.guard)
    return output.clean("\n".join(lines))


def _advised(advised: Advised) -> list[str]:
    """What the score reaches at the weight that routing.yaml would give it, and on sources that it has not seen."""
    better = advised.better
    by = "" if better is None else f", better by {better.value:+.3f}, at least {better.low:+.3f}"
    lines = [f"advised weight {advised.weight:g}: APGR {_figure(advised.learned.apgr)}{by}"]
    if advised.unseen:
        rows = [
            (
                each.source,
                str(each.prompts),
                _figure(each.learned.apgr),
                _figure(each.declared.apgr),
                _gained(each.better),
            )
            for each in advised.unseen
        ]
        heads = ("source left out", "prompts", "learned", "declared", "better")
        lines += ["trained on the other sources, at this weight (APGR):", output.table(heads, rows, right=heads[1:])]
    elif advised.sources > 1:
        lines.append("no source has enough prompts to be left out: how it ranks prompts of others is not known")
    else:
        lines.append(
            "one source: how it ranks prompts of others is not known; several files, or `source` in rows, tell"
        )
    return lines


def _gained(better: Difference | None) -> str:
    return "–" if better is None else f"{better.value:+.3f}"


def _of_tests(guard: Guard) -> list[str]:
    before, after = (usd(cost) for cost in guard.cost)
    return [
        f"with it {guard.passed} of {guard.cases} cases of `policy test` pass, {guard.moved} of {guard.requests} "
        f"requests of `policy diff` move, expected cost ${before} → ${after}"
    ]


def _guarded(trained: Trained) -> dict[str, object]:
    """The advised weight and what it does, for machines."""
    advised, guard = trained.learning.advised, trained.guard
    return {
        "weight": None if advised is None else advised.weight,
        "at_weight": None if advised is None else _fields(advised.learned),
        "unseen": [
            {
                "source": each.source,
                "prompts": each.prompts,
                "learned": _fields(each.learned),
                "declared": _fields(each.declared),
                "better_by": None if each.better is None else each.better.value,
            }
            for each in (advised.unseen if advised is not None else ())
        ],
        "tests": None if guard is None else {"cases": guard.cases, "passed": guard.passed},
        "diff": None
        if guard is None
        else {
            "requests": guard.requests,
            "moved": guard.moved,
            "cost_usd": {"before": usd(guard.cost[0]), "after": usd(guard.cost[1])},
        },
        "objection": trained.objection or None,
    }


def report_lines(learning: Learning, head: str) -> list[str]:
    """How the learned score ranks what it has not seen, beside the declared signals and the length."""
    held = learning.trained.held_out
    rows = [
        (name, *(_figure(value) for value in (measured.apgr, measured.cpt50, measured.cpt80)))
        for name, measured in (("learned", held.learned), ("declared", held.declared), ("length", held.length))
    ]
    unseen = f"by group ({held.groups} groups)" if held.grouped else "at random; a split by group is harder"
    lines = [
        f"{head}: {enough(held.rows)}",
        *_basis(learning),
        f"on prompts that were not trained on, held out {unseen}:",
        output.table(("", "APGR", "CPT50", "CPT80"), rows, right=("APGR", "CPT50", "CPT80")),
    ]
    if held.better is not None:
        lines.append(f"better by {held.better.value:+.3f} APGR, at least {held.better.low:+.3f} (one-sided, 95 %)")
    if held.grouped and held.worst[1] is not None:
        lines.append(f'worst group: "{held.worst[0]}" with {held.worst[1]:.3f}')
    return lines


def figures(trained: Trained, written: Path | None) -> dict[str, object]:
    """The same for machines."""
    learning = trained.learning
    held = learning.trained.held_out
    return {
        "weak": learning.pair.weak,
        "strong": learning.pair.strong,
        "data": learning.pair.digest(),
        "basis": None if learning.basis is None else asdict(learning.basis),
        "texts": learning.texts,
        "prompts": held.rows,
        "groups": held.groups,
        "grouped": held.grouped,
        "recipe": learning.trained.recipe.name,
        "held_out": {name: _fields(getattr(held, name)) for name in ("learned", "declared", "length")},
        "better_by": None if held.better is None else {"apgr": held.better.value, "at_least": held.better.low},
        "convinces": trained.convinces,
        "written": str(written) if written is not None and trained.convinces else None,
    }


def _fields(measured: Measured) -> dict[str, float | None]:
    return {"apgr": measured.apgr, "cpt50": measured.cpt50, "cpt80": measured.cpt80}


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _basis(learning: Learning) -> list[str]:
    """What the journal's labels rest on."""
    basis, weak, strong = learning.basis, learning.pair.weak, learning.pair.strong
    if basis is None:
        return []
    return [
        f"the journal's: on {basis.escalated} prompts {strong} was asked after {weak} had failed, "
        f"{basis.compared} were asked of both from the start",
        f"assumed: {basis.assumed} prompts that {weak} passed and {strong} was never asked count as no gain; "
        f"{basis.left_out} are left out, for the outcome of one is not known",
        f"these prompts score {learning.scored[0]:.1f} to {learning.scored[1]:.1f} by the declared signals: "
        "of others nothing is known, where they stand is left to these signals",
        "learned from facts, declared word lists and the words of kept prompts"
        if learning.texts
        else "learned from facts and declared word lists: not all prompts were kept, so no words of them",
    ]

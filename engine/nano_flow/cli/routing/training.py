"""Trains a learned score for the command line, and writes it where it is better than what is declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.history.reading import moment
from nano_flow.cli.routing.history import LABELS, calls_of
from nano_flow.core.errors import UsageError
from nano_flow.locate import PolicyFile
from nano_flow.ports.store import RunFilter
from nano_flow.project.policies import Policies, read_policies
from nano_flow.review.labelled.held import labelled
from nano_flow.review.labelled.material import learn_recorded
from nano_flow.review.learned_text import learned_text
from nano_flow.review.learning import Learning, learn, read_labels
from nano_flow.review.training import Measured
from nano_flow.routing.labels.measures import enough

FILE = "complexity.learned.yaml"
_PATIENCE = "training and cross-validation take up to some minutes"


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Which two models, which runs of the journal (of all, without files), and where the learned score goes."""

    weak: str | None = None
    strong: str | None = None
    run: str | None = None
    runs: int | None = None
    since: str | None = None
    out: Path | None = None
    write: bool = False
    workflow: Path | None = None


def train_on(options: Options, data: Sequence[Path], given: TrainOptions) -> int:
    """Train, report, and write if wanted; 1 where the learned score does not beat the declared signals."""
    files = options.policy(given.workflow)
    policies, target = read_policies(files), target_of(files, FILE, given)
    learning = _from_files(data, policies, given) if data else _from_journal(options, policies, given)
    if options.json:
        output.document("nano-flow/policy-train@1", figures(learning, target if given.write else None))
    else:
        output.data(_report(learning))
    use = f"complexity: {{learned: {{file: {target.name}, weight: 0.6}}}}"
    return finish(learning, learned_text(learning), (target, given.write, use))


def target_of(files: Sequence[PolicyFile], name: str, given: TrainOptions) -> Path:
    """Where a learned score goes: as given, else beside the routing document, or here where none is the user's.

    Raises UsageError where its folder is not there: training takes minutes, so that is told before.
    """
    routing = next(file for file in files if file.name == "routing.yaml")
    target = given.out or (routing.path.parent if routing.found != "bundled" else Path()) / name
    if given.write and not target.parent.is_dir():
        raise UsageError(f'"{target}" cannot be written: there is no folder "{target.parent}"')
    return target


def finish(learning: Learning, text: str, given: tuple[Path, bool, str]) -> int:
    """Write ``text`` where it convinces and is wanted; ``given`` are the file, whether to, and how it is used."""
    target, write, use = given
    if not learning.trained.held_out.convinces:
        output.fail("the learned score does not beat the declared signals by more than chance: nothing is written")
        return 1
    if not write:
        output.note(f'nothing is written yet; --write writes "{target}"')
        return 0
    try:
        target.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f'"{target}" cannot be written: {error.strerror}') from None
    output.note(f'"{target}" is written; routing.yaml uses it by: {use}')
    return 0


def _report(learning: Learning) -> str:
    lines = report_lines(learning, f"{learning.pair.weak} → {learning.pair.strong}")
    lines += [
        f"to recover {threshold.target:.0%} of the gain, 19 times in 20: ask the strong model for "
        f"{threshold.strong_share:.0%} of the prompts"
        for threshold in learning.trained.held_out.thresholds
    ]
    return output.clean("\n".join(lines))


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


def figures(learning: Learning, written: Path | None) -> dict[str, object]:
    """The same for machines."""
    held = learning.trained.held_out
    return {
        "weak": learning.pair.weak,
        "strong": learning.pair.strong,
        "data": learning.pair.digest(),
        "basis": None if learning.basis is None else asdict(learning.basis),
        "prompts": held.rows,
        "groups": held.groups,
        "grouped": held.grouped,
        "recipe": learning.trained.recipe.name,
        "held_out": {name: _fields(getattr(held, name)) for name in ("learned", "declared", "length")},
        "better_by": None if held.better is None else {"apgr": held.better.value, "at_least": held.better.low},
        "convinces": held.convinces,
        "written": str(written) if written is not None and held.convinces else None,
    }


def _fields(measured: Measured) -> dict[str, float | None]:
    return {"apgr": measured.apgr, "cpt50": measured.cpt50, "cpt80": measured.cpt80}


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _from_files(data: Sequence[Path], policies: Policies, given: TrainOptions) -> Learning:
    if given.run or given.runs or given.since:
        raise UsageError("--run, --runs and --since choose runs of the journal: give either them or files of outcomes")
    outcomes = read_labels(data)
    output.note(f"{len(outcomes)} outcomes read; {_PATIENCE}")
    return learn(outcomes, policies, given.weak, given.strong)


def _from_journal(options: Options, policies: Policies, given: TrainOptions) -> Learning:
    wanted = RunFilter(since=moment(given.since) if given.since else None, limit=given.runs)
    calls = calls_of(options, wanted, given.run, LABELS)
    held = labelled(calls)
    runs = len({each.first.run_id for each in held})
    replies = sum(each.replies for each in held)
    output.note(f"{replies} checked replies of {runs} runs read from the journal{f'; {_PATIENCE}' if replies else ''}")
    return learn_recorded(calls, policies, given.weak, given.strong)


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
        "learned from facts and declared word lists: the journal keeps no prompts, so no words of them",
    ]

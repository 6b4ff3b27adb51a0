"""Learned scores: trained on labelled outcomes, and written where they beat what is declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.locate import PolicyFile
from nano_flow.operations.moments import moment
from nano_flow.operations.place import Place
from nano_flow.operations.policy.guarding import Guard, guard
from nano_flow.operations.policy.recorded import LABELS, calls_of
from nano_flow.ports.store import RunFilter
from nano_flow.project.policies import Policies, read_policies
from nano_flow.review.cascades.learning import Suggestion, learn_replies, suggestions
from nano_flow.review.labelled.held import labelled
from nano_flow.review.labelled.material import learn_recorded
from nano_flow.review.learned_text import CASCADE, learned_text
from nano_flow.review.learning import Learning, learn, read_labels
from nano_flow.review.training import Measured
from nano_flow.review.unseen import Advised
from nano_flow.routing.labels.measures import Difference, enough

__all__ = [
    "Advised",
    "Difference",
    "Guard",
    "Learning",
    "Measured",
    "Suggestion",
    "TrainOptions",
    "Trained",
    "enough",
    "train_cascade",
    "train_score",
    "write_learned",
]

SCORE_FILE = "complexity.learned.yaml"
CASCADE_FILE = "cascade.learned.yaml"
_NAMED = 5
_PATIENCE = "training and cross-validation take up to some minutes"
Tell = Callable[[str], None]
"""Hears what is about to take minutes."""


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


@dataclass(frozen=True, slots=True)
class Trained:
    """A learned score: its figures, its text, the file that it goes to, and how routing.yaml uses it."""

    learning: Learning
    text: str
    target: Path
    use: str
    suggestions: Sequence[Suggestion] = ()
    guard: Guard | None = None
    """What `policy test` and `policy diff` say of it; None for a score of replies."""

    @property
    def convinces(self) -> bool:
        """True where it beats the declared signals by more than chance, and breaks nothing."""
        return not self.objection

    @property
    def objection(self) -> str:
        """Why it is not written; "" where nothing speaks against it."""
        advised = self.learning.advised
        if not self.learning.trained.held_out.convinces:
            return "the learned score does not beat the declared signals by more than chance"
        if advised is not None and not advised.convinces:
            mean = advised.mean_unseen
            if mean is not None and mean < 0:
                return f"on sources that it has not seen it ranks worse than the declared signals ({mean:+.3f} APGR)"
            return (
                f"at the advised weight of {advised.weight:g} it does not beat the declared signals by more than chance"
            )
        if self.guard is not None and self.guard.broken:
            named = "; ".join(each.where for each in self.guard.broken[:_NAMED])
            return f"with it `policy test` or a workflow fails that does not without it: {named}"
        return ""


def train_score(place: Place, data: Sequence[Path], given: TrainOptions, tell: Tell) -> Trained:
    """Train the score of prompts, on files or on the journal. Raises UsageError; blocks for up to some minutes."""
    files = place.policy(given.workflow)
    policies, target = read_policies(files), _target_of(files, SCORE_FILE, given)
    learning = _from_files(data, policies, given, tell) if data else _from_journal(place, policies, given, tell)
    weight = learning.advised.weight if learning.advised is not None else 1.0
    use = f"complexity: {{learned: {{file: {target.name}, weight: {weight:g}}}}}"
    found = guard(place, policies, learning.trained.score, weight)
    return Trained(learning, learned_text(learning), target, use, guard=found)


def train_cascade(place: Place, data: Sequence[Path], given: TrainOptions, tell: Tell) -> Trained:
    """Train the score of replies that a cascade judges by. Raises UsageError; blocks for up to some minutes."""
    if not data:
        raise UsageError(
            "the journal keeps no labels of the replies that a cascade gave up: --cascade needs a FILE with rows of "
            "prompt, model, reply, right"
        )
    files = place.policy(given.workflow)
    target = _target_of(files, CASCADE_FILE, given)
    outcomes = read_labels(data)
    tell(f"{len(outcomes)} outcomes read; {_PATIENCE}")
    learning = learn_replies(outcomes, read_policies(files), given.weak, given.strong)
    found = suggestions(learning)
    at = f", escalate_at: {found[-1].escalate_at:g}" if found else ""
    use = f"cascade: {{learned: {{file: {target.name}, weight: 1}}{at}}}"
    return Trained(learning, learned_text(learning, CASCADE), target, use, found)


def write_learned(trained: Trained) -> None:
    """Write a learned score to its file. Raises UsageError."""
    try:
        trained.target.write_text(trained.text, "utf-8")
    except OSError as error:
        raise UsageError(f'"{trained.target}" cannot be written: {error.strerror}') from None


def _target_of(files: Sequence[PolicyFile], name: str, given: TrainOptions) -> Path:
    """Where a learned score goes: as given, else beside the routing document, or here where none is the user's.

    Raises UsageError where its folder is not there: training takes minutes, so that is told before.
    """
    routing = next(file for file in files if file.name == "routing.yaml")
    target = given.out or (routing.path.parent if routing.found != "bundled" else Path()) / name
    if given.write and not target.parent.is_dir():
        raise UsageError(f'"{target}" cannot be written: there is no folder "{target.parent}"')
    return target


def _from_files(data: Sequence[Path], policies: Policies, given: TrainOptions, tell: Tell) -> Learning:
    if given.run or given.runs or given.since:
        raise UsageError("--run, --runs and --since choose runs of the journal: give either them or files of outcomes")
    outcomes = read_labels(data)
    tell(f"{len(outcomes)} outcomes read; {_PATIENCE}")
    return learn(outcomes, policies, given.weak, given.strong)


def _from_journal(place: Place, policies: Policies, given: TrainOptions, tell: Tell) -> Learning:
    wanted = RunFilter(since=moment(given.since) if given.since else None, limit=given.runs)
    calls = calls_of(place, wanted, given.run, LABELS)
    held = labelled(calls)
    runs = len({each.first.run_id for each in held})
    replies = sum(each.replies for each in held)
    tell(f"{replies} checked replies of {runs} runs read from the journal{f'; {_PATIENCE}' if replies else ''}")
    return learn_recorded(calls, policies, given.weak, given.strong)

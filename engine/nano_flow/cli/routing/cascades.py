"""Trains the learned score of a cascade for the command line, and writes it where it beats the declared signals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.routing.training import TrainOptions, figures, finish, report_lines, target_of
from nano_flow.core.errors import UsageError
from nano_flow.project.policies import read_policies
from nano_flow.review.cascades.learning import Suggestion, learn_replies, suggestions
from nano_flow.review.learned_text import CASCADE, learned_text
from nano_flow.review.learning import Learning, read_labels

FILE = "cascade.learned.yaml"


def train_cascade_on(options: Options, data: Sequence[Path], given: TrainOptions) -> int:
    """Train, report, and write if wanted; 1 where the learned score does not beat the declared signals."""
    if not data:
        raise UsageError(
            "the journal keeps no labels of the replies that a cascade gave up: --cascade needs a FILE with rows of "
            "prompt, model, reply, right"
        )
    files = options.policy(given.workflow)
    target = target_of(files, FILE, given)
    outcomes = read_labels(data)
    output.note(f"{len(outcomes)} outcomes read; training and cross-validation take up to some minutes")
    learning = learn_replies(outcomes, read_policies(files), given.weak, given.strong)
    found = suggestions(learning)
    if options.json:
        fields = figures(learning, target if given.write else None)
        output.document(
            "nano-flow/policy-train@1", {**fields, "cascade": True, "escalate_at": [_json(s) for s in found]}
        )
    else:
        output.data(_report(learning, found))
    use = f"cascade: {{learned: {{file: {target.name}, weight: 1}}{_at(found)}}}"
    return finish(learning, learned_text(learning, CASCADE), (target, given.write, use))


def _at(found: Sequence[Suggestion]) -> str:
    return f", escalate_at: {found[-1].escalate_at:g}" if found else ""


def _report(learning: Learning, found: Sequence[Suggestion]) -> str:
    pair = learning.pair
    what = "of the gain" if pair.strong else "of what is wrong"
    lines = report_lines(learning, f"replies of {pair.weak}" + (f", given up for {pair.strong}" if pair.strong else ""))
    lines += [
        f"escalate_at: {s.escalate_at:g} (with weight: 1) recovers {s.recovers:.0%} {what}, 19 times in 20, "
        f"and gives up {s.strong_share:.0%} of the replies"
        for s in found
    ]
    return output.clean("\n".join(lines))


def _json(suggestion: Suggestion) -> dict[str, float]:
    return {
        "recovers": suggestion.recovers,
        "escalate_at": suggestion.escalate_at,
        "strong_share": round(suggestion.strong_share, 4),
    }

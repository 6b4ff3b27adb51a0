"""A learned score of replies for the command line: its figures, and where a cascade should give a reply up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.cli.routing.training import figures, finish, report_lines
from nano_flow.operations.policy.training import Learning, Suggestion, TrainOptions, train_cascade


def train_cascade_on(options: Options, data: Sequence[Path], given: TrainOptions) -> int:
    """Train, report, and write if wanted; 1 where the learned score does not beat the declared signals."""
    trained = train_cascade(options.place, data, given, output.note)
    learning, found = trained.learning, trained.suggestions
    if options.json:
        fields = figures(trained, trained.target if given.write else None)
        output.document(
            "nano-flow/policy-train@1", {**fields, "cascade": True, "escalate_at": [_json(s) for s in found]}
        )
    else:
        output.data(_report(learning, found))
    return finish(trained, write=given.write)


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

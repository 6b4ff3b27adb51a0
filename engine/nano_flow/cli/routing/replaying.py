"""The replay of recorded calls as text."""

from __future__ import annotations

from nano_flow.cli import output
from nano_flow.core.money import usd
from nano_flow.operations.policy.replaying import Quality, Replay


def replay_text(found: Replay) -> str:
    """The figures for people."""
    tiers = list(dict.fromkeys([*found.tiers_before, *found.tiers]))
    rows = [
        (tier, *(f"{counts.get(tier, 0) / found.calls:.0%}" for counts in (found.tiers_before, found.tiers)))
        for tier in tiers
    ]
    rows.append(("cost", f"${usd(found.cost_before)}", f"${usd(found.cost_after)}"))
    if found.seconds_before is not None:
        rows.append(("mean duration", f"{found.seconds_before} s", f"{found.seconds_after} s"))
    lines = [f"{found.calls} recorded calls under {found.policy}: {found.moved} would go to another model", ""]
    lines.append(output.table(("", "recorded", "candidate"), rows, right=("recorded", "candidate")))
    if found.unpriced:
        lines.append(f"{found.unpriced} calls are left out of the cost: one of their models has no price")
    if found.unsure:
        lines.append(f"{found.unsure} calls: words that are new in a list count as not found, for prompts are not kept")
    return output.clean("\n".join([*lines, *_quality(found.quality)]))


def _quality(quality: Quality | None) -> list[str]:
    """What labels tell of the answers, and what that share leaves out."""
    if quality is None:
        return ["quality: no labels; steps with verify or output_schema leave them, --labels FILE gives others"]
    lines = []
    of_play = " of simulated replies" if quality.simulated else ""
    interval = f"{quality.right:.3f} ({quality.low:.3f} to {quality.high:.3f})"
    if quality.labels:
        lines.append(f"quality{of_play} {interval}, {quality.labels} labelled prompts, {quality.calls} recorded calls")
    else:
        lines.append(f"quality: none of {quality.unknown} labelled prompts has an outcome of the model chosen for it")
    if quality.unknown and quality.labels:
        lines.append(f"{quality.unknown} labelled prompts are left out: the model chosen for them has no outcome there")
    if quality.harder:
        lines.append(
            f"{quality.harder} of the {quality.labels} were asked of that model only after another had failed: "
            "they are harder than others"
        )
    if quality.assumed:
        lines.append(
            f"taking {quality.assumed} prompts that a lower tier passed for passed by the higher one too: "
            f"{quality.right_assumed:.3f} of {quality.labels + quality.assumed}"
        )
    return lines

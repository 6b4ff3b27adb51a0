"""The replay of recorded calls as text."""

from __future__ import annotations

from collections.abc import Mapping

from nano_flow.cli import output
from nano_flow.core.money import Money, usd
from nano_flow.operations.policy.replaying import Compared, Group, Quality, Replay

_NAMED = 8
"""Models, steps or tags that a table names."""


def replay_text(found: Replay) -> str:
    """The figures for people."""
    tiers = list(dict.fromkeys([*found.tiers_before, *found.tiers]))
    rows = [
        (tier, *(f"{counts.get(tier, 0) / found.calls:.0%}" for counts in (found.tiers_before, found.tiers)))
        for tier in tiers
    ]
    rows += _models(found.groups.whole)
    rows.append(("cost", f"${usd(found.cost_before)}", f"${usd(found.cost_after)}"))
    if found.seconds_before is not None:
        rows.append(("mean duration", f"{found.seconds_before} s", f"{found.seconds_after} s"))
    lines = [f"{found.calls} recorded calls under {found.policy}: {found.moved} would go to another model", ""]
    lines.append(output.table(("", "recorded", "candidate"), rows, right=("recorded", "candidate")))
    low, high = found.cost_bounds
    if low != high:
        lines.append(
            f"candidate cost: ${usd(low)} to ${usd(high)}, for it is not known everywhere how a model would have done"
        )
    if found.unpriced:
        lines.append(f"{found.unpriced} calls are left out of the cost: one of their models has no price")
    if found.unsure:
        lines.append(
            f"{found.unsure} calls: words that are new in a list count as not found, for their texts were not kept"
        )
    for title, groups in (("step", found.groups.steps), ("tag", found.groups.tags)):
        if len(groups) > (title == "step"):
            lines += ["", _grouped(title, groups)]
    return output.clean("\n".join([*lines, "", *_quality(found.quality, found.compared)]))


def _models(group: Group) -> list[tuple[str, str, str]]:
    """Who is asked first, and how often."""
    names = sorted({*group.before, *group.after}, key=lambda name: -group.before[name] - group.after[name])
    rows = [
        (name, *(f"{counts[name] / group.conversations:.0%}" for counts in (group.before, group.after)))
        for name in names[:_NAMED]
    ]
    return [(name, before, after) for name, before, after in rows]


def _grouped(title: str, groups: Mapping[str, Group]) -> str:
    ranked = sorted(groups.items(), key=lambda each: -each[1].conversations)
    rows = []
    for name, group in ranked[:_NAMED]:
        before, after = (", ".join(f"{m} {n}" for m, n in c.most_common(3)) for c in (group.before, group.after))
        cost = f"${usd(Money(round(group.cost_before)))} → ${usd(Money(round(group.cost_after[1])))}"
        rows.append((name, str(group.conversations), f"{before} → {after}", cost, _rights(group)))
    more = f"\nand {len(ranked) - _NAMED} more" if len(ranked) > _NAMED else ""
    return output.table((title, "asked", "first models", "cost", "right"), rows, right=("asked",)) + more


def _rights(group: Group) -> str:
    count = len(group.right_before)
    if not count:
        return "–"
    low, high = (sum(pair[end] for pair in group.right_after) / count for end in (0, 1))
    after = f"{low:.0%}" if round(low, 2) == round(high, 2) else f"{low:.0%} to {high:.0%}"
    return f"{sum(group.right_before) / count:.0%} → {after}"


def _quality(quality: Quality | None, compared: Compared | None) -> list[str]:
    """What labels tell of the answers, and what that share leaves out."""
    if quality is None or compared is None:
        return ["quality: no labels; steps with verify or output_schema leave them, --labels FILE gives others"]
    lines = []
    of_play = " of simulated replies" if quality.simulated else ""
    interval = f"{quality.right:.3f} ({quality.low:.3f} to {quality.high:.3f})"
    if quality.labels:
        lines.append(f"quality{of_play} {interval}, {quality.labels} labelled prompts, {quality.calls} conversations")
        lines += _beside(compared)
    else:
        lines.append(f"quality: none of {quality.unknown} labelled prompts has an outcome of the model chosen for it")
    lines += _bounds(compared)
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


def _beside(compared: Compared) -> list[str]:
    """The record on the same prompts."""
    recorded, change = compared.recorded, compared.difference
    if change is None:
        return []
    said = f"{change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f}), {change.changed} end otherwise"
    return [f"on the same {recorded.prompts} prompts the record has {recorded.right:.3f}; difference {said}"]


def _bounds(compared: Compared) -> list[str]:
    """All labelled prompts, and how those differ on which an outcome that matters is not known."""
    unknown = compared.prompts - compared.known.prompts
    if not unknown:
        return []
    low, high = compared.bounds
    lines = [
        f"of all {compared.prompts} labelled prompts {low:.3f} to {high:.3f} would end right: "
        f"on {unknown} an outcome is not known (all fail {compared.all_fail:.3f}, all pass {compared.all_pass:.3f})"
    ]
    (score, others), (right, others_right) = compared.selection.score, compared.selection.recorded
    if score is not None and others is not None:
        told = f"these {unknown} score {others:.1f} on average, the known ones {score:.1f}"
        if right is not None and others_right is not None:
            told += f"; the record is right on {others_right:.0%} of them, on {right:.0%} of the known ones"
        lines.append(f"{told}: they are no sample of each other")
    return lines

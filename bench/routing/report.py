"""Takes all figures of the routing benchmark and holds them against their bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench import scoring
from bench.measure import Figure
from bench.routing import cascade, routers, tiers
from bench.routing.data import LARGE, OutcomeSet, read_sets
from nano_flow.project.policies import Policies
from nano_flow.routing.labels.measures import apgr, cpt

BELOW_LENGTH, BELOW_BEFORE, MEAN_LEAST = 0.01, 0.02, 0.657
BEFORE = {
    "MMLU": 0.586,
    "MMLU without moral_scenarios": 0.586,
    "GSM8K": 0.637,
    "ulab mistral-7b→3.1-nemotron-51b": 0.651,
    "ulab 3.1-8b→3.1-nemotron-51b": 0.647,
    "ulab gemma-2-9b→3.3-nemotron-49b": 0.727,
}
"""What the score reached that was made for such questions alone; the mean is that of the six whole sets."""
TRAINED_LEAST = {"MMLU": 0.68, "GSM8K": 0.645, "ulab mistral-7b→3.1-nemotron-51b": 0.73}
BY_GROUP_LEAST = {"MMLU": 0.62}
CASCADE_LEAST, CASCADE_TRAINED_LEAST = 0.76, 0.79


@dataclass(slots=True)
class Line:
    """One set: APGR of everybody, CPT of ours."""

    name: str
    prompts: int
    apgr: dict[str, float | None] = field(default_factory=dict)
    cpt50: float | None = None
    cpt80: float | None = None


@dataclass(slots=True)
class Report:
    """Everything that was measured; ``broken`` says which bounds are not held."""

    lines: list[Line]
    cascade: dict[str, float | None] = field(default_factory=dict)
    equal_quality: list[cascade.EqualQuality] = field(default_factory=list)
    across: dict[str, float | None] = field(default_factory=dict)
    speed: list[Figure] = field(default_factory=list)
    tiers: list[tiers.Share] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """APGR of the shipped score, over the sets that are whole."""
        whole = [line.apgr["ours, shipped"] or 0.0 for line in self.lines if "without" not in line.name]
        return sum(whole) / len(whole) if whole else 0.0


def measured(folder: Path, *, quick: bool) -> Report:
    """Measure every set in ``folder``; ``quick`` trains nothing."""
    policies = routers.shipped()
    sets = read_sets(folder)
    report = Report([_line(outcomes, policies, quick=quick) for outcomes in sets])
    report.lines.sort(key=lambda line: (line.prompts < LARGE, line.apgr["ours, shipped"] or 0.0))
    gsm8k = next((outcomes for outcomes in sets if outcomes.replies), None)
    if gsm8k is not None:
        _cascade(report, gsm8k, policies, quick=quick)
    if not quick:
        plain = [outcomes for outcomes in sets if len(outcomes.prompts) >= LARGE and "without" not in outcomes.name][:3]
        for source in plain:
            for target in plain:
                if source is not target:
                    report.across[f"{source.name} → {target.name}"] = routers.across(source, target, policies)
    report.speed = scoring.figures()
    report.tiers = tiers.shares(folder.parent / "prompts", policies)
    _hold(report)
    return report


def _line(outcomes: OutcomeSet, policies: Policies, *, quick: bool) -> Line:
    prompts, gains = outcomes.prompts, outcomes.gains
    ours, theirs = routers.declared(prompts, policies), routers.litellm(prompts)
    line = Line(outcomes.name, len(prompts), cpt50=cpt(ours, gains, 0.5), cpt80=cpt(ours, gains, 0.8))
    line.apgr = {
        "random": apgr(routers.chance(prompts), gains),
        "length": apgr(routers.length(prompts), gains),
        "LiteLLM": apgr(theirs, gains) if theirs is not None else None,
        "ours, shipped": apgr(ours, gains),
        "oracle": apgr(gains, gains),
    }
    if not quick and len(prompts) >= LARGE and "without" not in outcomes.name:
        figures = routers.trained(outcomes, policies)
        line.apgr |= {"ours, trained": figures.random_split, "ours, trained by group": figures.by_group}
    return line


def _cascade(report: Report, outcomes: OutcomeSet, policies: Policies, *, quick: bool) -> None:
    gains = outcomes.gains
    by_prompt = routers.declared(outcomes.prompts, policies)
    declared = cascade.shipped_cascade()
    scores = cascade.declared_scores(outcomes, declared)
    report.cascade = {"prompt only": apgr(by_prompt, gains), "declared": apgr(scores, gains)}
    if not quick:
        scores = cascade.trained_scores(outcomes, declared)
        report.cascade["trained"] = apgr(scores, gains)
    report.equal_quality = cascade.equal_quality(by_prompt, scores, gains)


def _hold(report: Report) -> None:
    for line in report.lines:
        if line.prompts >= LARGE:
            _hold_line(report, line)
    _at_least(report, "mean over the sets, shipped", report.mean, MEAN_LEAST)
    for name, bound in (("declared", CASCADE_LEAST), ("trained", CASCADE_TRAINED_LEAST)):
        _at_least(report, f"cascade, {name}", report.cascade.get(name), bound)
    report.broken += [share.text() for share in report.tiers if not share.kept]
    report.broken += [
        f"{figure.name}: {figure.value:.3f} {figure.unit}, at most {figure.bound} wanted"
        for figure in report.speed
        if not figure.kept
    ]


def _hold_line(report: Report, line: Line) -> None:
    ours = line.apgr["ours, shipped"]
    _at_least(report, f"{line.name}, shipped", ours, shipped_least(line.name))
    _at_least(report, f"{line.name}, shipped beside length", ours, (line.apgr["length"] or 0.0) - BELOW_LENGTH)
    _at_least(report, f"{line.name}, shipped beside LiteLLM", ours, line.apgr["LiteLLM"] or 0.0)
    for name, bounds in (("ours, trained", TRAINED_LEAST), ("ours, trained by group", BY_GROUP_LEAST)):
        if line.name in bounds:
            _at_least(report, f"{line.name}, {name}", line.apgr.get(name), bounds[line.name])


def shipped_least(name: str) -> float:
    """The least APGR that the shipped score may have on a set."""
    return BEFORE.get(name, 0.5 + BELOW_BEFORE) - BELOW_BEFORE


def _at_least(report: Report, what: str, value: float | None, bound: float) -> None:
    if value is not None and value < bound:
        report.broken.append(f"{what}: {value:.4f}, at least {bound:.4f} wanted")


def text(report: Report) -> str:
    """The report as tables."""
    names = ("random", "length", "LiteLLM", "ours, shipped", "ours, trained", "ours, trained by group", "oracle")
    head = f"{'APGR, worst set first':40}{'prompts':>8}" + "".join(f"{name:>24}" for name in names) + "   CPT50   CPT80"
    lines = [*(["labelled agent prompts, worst first", tiers.text(report.tiers), ""] if report.tiers else []), head]
    for line in report.lines:
        cells = "".join(f"{_figure(line.apgr.get(name)):>24}" for name in names)
        lines.append(f"{line.name:40}{line.prompts:8}{cells}   {_figure(line.cpt50):>5}   {_figure(line.cpt80):>5}")
    lines += [
        f"{'mean of the whole sets':48}{'':72}{_figure(report.mean):>24}",
        "",
        "trained on one set, measured on another: " + ", ".join(f"{k} {_figure(v)}" for k, v in report.across.items()),
    ]
    lines += [
        "",
        "cascade on GSM8K: " + ", ".join(f"{name} {_figure(value)}" for name, value in report.cascade.items()),
    ]
    lines += [
        f"  {found.share:.0%} of the gain at price ratio {found.ratio}: "
        f"router {found.router}, cascade {found.cascade} dear calls a prompt"
        for found in report.equal_quality
    ]
    lines += ["", *(f"{figure.name}: {figure.value:.3f} {figure.unit} ({figure.note})" for figure in report.speed)]
    lines += ["", *(f"BROKEN {what}" for what in report.broken)] if report.broken else ["", "every bound is held"]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"

"""How well routing tells which prompts need the stronger model, on outcomes of real models."""

from __future__ import annotations

from bench.measure import ROOT, Figure

DATA = ROOT.parent / "shared" / "data" / "routing"


def figures() -> list[Figure]:
    """The shipped score on every large set, for ``make bench``; nothing where the outcomes are not there."""
    if not DATA.is_dir():
        return []
    from bench.routing.data import LARGE
    from bench.routing.report import CASCADE_LEAST, MEAN_LEAST, measured, shipped_least

    report = measured(DATA, quick=True)
    found = [
        Figure(f"routing: {line.name}", line.apgr["ours, shipped"] or 0.0, "APGR", shipped_least(line.name), "higher",
               f"length {line.apgr['length'] or 0.0:.3f}, LiteLLM {line.apgr['LiteLLM'] or 0.0:.3f}")
        for line in report.lines
        if line.prompts >= LARGE
    ]  # fmt: skip
    for share in report.tiers:
        if share.least is not None or share.most is not None:
            bound, better = (share.least, "higher") if share.least is not None else (share.most, "lower")
            found.append(Figure(f"routing: {share.name}", share.value, "of prompts", bound, better, share.text()))
    found.append(
        Figure("routing: cascade on GSM8K", report.cascade.get("declared") or 0.0, "APGR", CASCADE_LEAST, "higher")
    )
    found.append(Figure("routing: mean of the sets", report.mean, "APGR", MEAN_LEAST, "higher"))
    return found

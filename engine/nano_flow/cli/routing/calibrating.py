"""Proposed thresholds for the command line: shares, costs, quality, and the change of routing.yaml."""

from __future__ import annotations

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.core.errors import UsageError
from nano_flow.core.money import Money, usd
from nano_flow.operations.policy.calibrating import CalibrateOptions, Calibration, Side, calibrate, write_calibrated


def read_share(text: str | None) -> tuple[float, ...]:
    """``60/30/10`` as parts of one. Raises UsageError."""
    if text is None:
        return ()
    try:
        parts = tuple(float(part) for part in text.split("/"))
    except ValueError:
        parts = ()
    if not parts or not all(0 <= part <= 100 for part in parts) or abs(sum(parts) - 100) > 1:
        raise UsageError(f'--share is "{text}": expected one share for each tier, together 100, such as 60/30/10')
    return tuple(part / sum(parts) for part in parts)


def calibrate_on(options: Options, given: CalibrateOptions, *, write: bool) -> int:
    """Propose, report, and write if wanted; 1 where held-out labels speak against it."""
    found = calibrate(options.place, given)
    if options.json:
        output.document("nano-flow/policy-calibrate@1", {**found.as_json(), "written": write and _writable(found)})
    else:
        output.data(_report(found))
    if found.worse:
        output.fail("on held-out prompts the proposal meets fewer labels than what is in force: nothing is written")
        return 1
    if not found.diff:
        output.note("the thresholds in force are the proposed ones already")
    elif write:
        write_calibrated(found)
        output.note(f'"{found.path}" is written; `nano-flow policy test` runs its cases')
    else:
        output.note("nothing is written yet; --write makes this change")
    return 0


def _writable(found: Calibration) -> bool:
    return bool(found.diff) and not found.worse and not found.bundled


def _report(found: Calibration) -> str:
    before, after = found.before, found.after
    rows: list[tuple[str, str, str]] = []
    for name in before.shares:
        rows.append((name, _tier(before, name), _tier(after, name)))
    rows.append((f"cost of {found.per} calls", _cost(before), _cost(after)))
    if before.quality is not None:
        rows.append(("right tier, held out", _quality(before), _quality(after)))
    lines = [f"{found.basis}:", "", output.table(("", "in force", "proposed"), rows)]
    if before.quality is not None:
        lines.append(f"held out: {before.quality.labels} labelled prompts, half of them by a hash of the prompt")
    if found.decided_otherwise:
        lines.append(
            f"{found.decided_otherwise} are left out: a rule, a kind of task or the step decides them, not the score"
        )
    if found.unpriced:
        lines.append(f"{found.unpriced} are left out of the cost: a reply or the price of a tier's model is not known")
    if found.diff:
        lines += ["", found.diff]
    return output.clean("\n".join(lines))


def _tier(side: Side, name: str) -> str:
    below = side.below.get(name)
    return f"{side.shares[name]:.0%}" + (f", below {below:g}" if below is not None else "")


def _cost(side: Side) -> str:
    return "–" if side.cost is None else f"${usd(Money(round(side.cost, -5)))}"


def _quality(side: Side) -> str:
    held = side.quality
    return "–" if held is None else f"{held.right:.1%} ({held.low:.1%} to {held.high:.1%})"

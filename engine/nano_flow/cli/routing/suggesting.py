"""A suggested change of routing.yaml for the command line: what it saves, what it may lose, or what is missing."""

from __future__ import annotations

from nano_flow.cli import output
from nano_flow.cli.common import Options
from nano_flow.core.money import Money, usd
from nano_flow.operations.policy.suggesting import Suggested, SuggestOptions, Worth, suggest, write_suggested


def suggest_on(options: Options, given: SuggestOptions, *, write: bool) -> int:
    """Suggest, report, and write if wanted; 1 where no change can be supported."""
    found = suggest(options.place, given)
    if options.json:
        written = write and found.supported and not found.file.bundled
        output.document("nano-flow/policy-suggest@1", {**found.as_json(), "written": written})
    else:
        output.data(_report(found))
    if not found.supported:
        output.fail(f"no change is suggested: {found.why_not}{_missing(found)}")
        return 1
    if write:
        write_suggested(found)
        output.note(f'"{found.file.path}" is written; `nano-flow policy test` runs its cases')
    else:
        output.note("nothing is written yet; --write makes this change")
    return 0


def _report(found: Suggested) -> str:
    lines = [f"{found.prompts} labelled prompts; one half, by a hash, chooses a change, the other half measures it"]
    if found.worth is not None:
        lines += _worth(found.worth)
    if found.diff and found.supported:
        lines += ["", found.diff]
    return output.clean("\n".join(lines))


def _worth(told: Worth) -> list[str]:
    gain = told.gain
    saved, likely, spent = (usd(Money(round(amount))) for amount in (told.saved, told.likely, told.spent))
    return [
        f"on {told.prompts} prompts that did not choose it, of which {told.moved} are asked otherwise:",
        f"  saves ${likely} of ${spent} likely, ${saved} at least",
        f"  right answers {gain.value:+.1%} ({gain.low:+.1%} to {gain.high:+.1%}); unknown outcomes count against it "
        f"({told.unknown})",
    ]


def _missing(found: Suggested) -> str:
    if not found.missing:
        return (
            "\nlabels of both models on the same prompts decide that: run some under each policy, or give --labels FILE"
        )
    return (
        f"\nabout {found.missing} more labelled prompts, on which both models are known, would tell whether it loses "
        f"less than {found.loss:.1%}"
    )

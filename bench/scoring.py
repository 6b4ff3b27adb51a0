"""Facts, score, kind and personal data of one prompt; beside LiteLLM's own complexity router on the same text."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from bench.measure import ROOT, Figure, medians
from bench.routing.routers import litellm, shipped
from nano_flow.core.diagnostics import SourceRange
from nano_flow.project.policies import Policies, compile_condition
from nano_flow.routing.facts import gather
from nano_flow.routing.reading import estimate_tokens, read_text

MICROSECONDS = {1_000: 300, 10_000: 3_000}
"""CPU that a score may take on an idle machine, by tokens of English; on a busy one the ratio tells."""
ANY_SCRIPT, CONDITION = 500, 20
"""The same for 1,000 tokens of the dearest script, and for one `when` of a rule."""
AT_MOST = 0.1
CALLS = 20
PARALLEL = ROOT.parent / "shared" / "data" / "prompts" / "parallel.jsonl"


def figures(times: int = 9) -> list[Figure]:
    """Ratios of medians taken in turns, which say the same on a busy machine; then CPU, of the best run."""
    policies, text = shipped(), prose()
    found = []
    for tokens, bound in MICROSECONDS.items():
        prompt = text[: 4 * tokens]
        if litellm([prompt]) is None:
            return []
        ours, theirs = medians(
            [_taken(lambda p=prompt: whole(p, policies)), _taken(lambda p=prompt: litellm([p]))], times
        )  # type: ignore[misc]
        best = min(_taken(lambda p=prompt: whole(p, policies))() for _ in range(times))  # type: ignore[misc]
        note = f"at best {best:.0f} µs, at most {bound:,} wanted on an idle machine; LiteLLM's {theirs:.0f} µs"
        found.append(Figure(f"a score of {tokens:,} tokens", ours / theirs, "× LiteLLM's router", AT_MOST, note=note))
    if PARALLEL.is_file():
        by_script = {
            name: min(_taken(lambda p=p: whole(p, policies))() for _ in range(times)) for name, p in scripts().items()
        }  # type: ignore[misc]
        slowest = max(by_script, key=lambda name: by_script[name])
        note = ", ".join(f"{name} {taken:.0f}" for name, taken in sorted(by_script.items()))
        found.append(Figure(f"a score of 1,000 tokens, {slowest}", by_script[slowest], "µs CPU", ANY_SCRIPT, note=note))
    found.append(Figure("the `when` of a rule over signals", condition(times), "µs CPU", CONDITION))
    return found


def whole(prompt: str, policies: Policies) -> None:
    """Everything that a decision counts of a prompt: facts, score, kind, personal data."""
    policy, reading = policies.routing, read_text(prompt)
    facts = gather(reading)
    policy.complexity(facts, reading)
    names = {**facts.as_json(), "tags": []}
    next((kind for kind in policy.kinds if kind.found(names, reading) is not None), None)
    _ = reading.personal


def condition(times: int) -> float:
    """Microseconds of one condition, each time for other values."""
    holds = compile_condition("signals.code > 0 and kind == 'translation'", SourceRange("routing.yaml", 1, 1, 1, 2))
    points = dict.fromkeys(shipped().routing.signal_names, 0.0)
    seen = [{"signals": {**points, "code": place / 7}, "kind": "translation"} for place in range(1, 400)]

    def all_of_them() -> None:
        for names in seen:
            holds(names)  # type: ignore[arg-type]

    return min(_taken(all_of_them, 1)() for _ in range(times)) / len(seen)


def prose() -> str:
    """More than 10,000 tokens of ASCII: the project's own documentation, with its code, tables and lists."""
    parts = (path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
    return "\n".join(parts).encode("ascii", "ignore").decode()[: 4 * max(MICROSECONDS)]


def scripts() -> dict[str, str]:
    """1,000 tokens of labelled prompts in each language."""
    rows = [json.loads(line)["prompts"] for line in Path(PARALLEL).read_text("utf-8").splitlines()]
    found = {}
    for language in rows[0]:
        text = "\n\n".join(row[language] for row in rows)
        size = next(size for size in range(500, len(text), 50) if estimate_tokens(read_text(text[:size])) >= 1_000)
        found[language] = text[:size]
    return found


def _taken(function: Callable[[], object], calls: int = CALLS) -> Callable[[], float]:
    def taken() -> float:
        start = time.process_time()
        for _ in range(calls):
            function()
        return (time.process_time() - start) / calls * 1e6

    return taken

"""Workflows to measure with, written as a person would write them."""

from __future__ import annotations

import random


def chain_text(count: int) -> str:
    """``count`` prompt steps, each reading the one above it."""
    steps = ["  s0:\n    prompt: Begin with {{ inputs.topic }}.\n"]
    steps += [
        f"  s{n}:\n"
        f"    description: Step {n} of a chain\n"
        f"    prompt: |\n      Go on from this:\n      {{{{ steps.s{n - 1}.output }}}}\n"
        "    timeout: 30s\n"
        for n in range(1, count)
    ]
    return (
        "nano_flow: 1\nname: chain\ninputs:\n  topic: {type: string, default: tea}\nsteps:\n"
        + "".join(steps)
        + f'outputs:\n  last: "{{{{ steps.s{count - 1}.output }}}}"\n'
    )


def set_text(edges: dict[int, list[int]]) -> str:
    """No-op steps with the given needs."""
    lines = ["nano_flow: 1", "name: noops", "steps:"]
    for number, needs in edges.items():
        lines.append(f"  s{number}:")
        lines.append("    set: {v: 1}")
        if needs:
            lines.append(f"    needs: [{', '.join(f's{n}' for n in needs)}]")
    return "\n".join(lines) + "\n"


def chain(count: int) -> dict[int, list[int]]:
    """Each step needs the one before it."""
    return {n: [n - 1] if n else [] for n in range(count)}


def fan(count: int) -> dict[int, list[int]]:
    """One step, ``count`` that need it, one that needs them all."""
    middle = range(1, count + 1)
    return {0: [], **{n: [0] for n in middle}, count + 1: list(middle)}


def dag(count: int, seed: int = 7) -> dict[int, list[int]]:
    """A random graph: up to three needs among the forty steps above."""
    dice = random.Random(seed)
    return {n: sorted(dice.sample(range(max(0, n - 40), n), min(n, dice.randint(0, 3)))) for n in range(count)}

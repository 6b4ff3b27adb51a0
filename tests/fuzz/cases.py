"""How many cases the fuzzers try: a short form among the tests, the long one by ``make long``."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

_LONG = "20000" if os.environ.get("NANO_FLOW_LONG") else "0"
CASES = int(os.environ.get("NANO_FLOW_FUZZ", _LONG))
"""0 is the short form of each fuzzer."""


def fuzzed(short: int) -> settings:
    """Settings of one fuzzer; the short form tries the same cases every time."""
    return settings(
        max_examples=CASES or short,
        deadline=None,
        derandomize=not CASES,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),  # shrinking takes minutes; what failed is small enough to read
    )

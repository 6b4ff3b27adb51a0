"""What all tests begin with."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# How fast inputs are made says something of the machine's load, nothing of what is tested.
settings.register_profile("busy machine", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

# pytest-xdist tells its workers the width of its terminal; what is printed is judged as it comes out of a pipe.
os.environ.pop("COLUMNS", None)

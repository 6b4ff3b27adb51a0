"""What all tests begin with."""

from __future__ import annotations

import os

# pytest-xdist tells its workers the width of its terminal; what is printed is judged as it comes out of a pipe.
os.environ.pop("COLUMNS", None)

"""What the tests of training share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.review.library import trained_with


@pytest.fixture(scope="module", params=["stand-in", "scikit-learn"])
def library(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test twice: without the extra, and with it where it is installed."""
    with trained_with(request.param):
        yield

"""One history for all tests that only look; a fresh one for those that change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.shop import Shop, opened


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, str, str]:
    """A shop with a run that asks and one that failed, and their ids. Nobody changes it."""
    shop = opened(tmp_path_factory.mktemp("shop"))
    asks = shop.run("note.yaml", "--no-input", code=6)
    failed = shop.run("broken.yaml", code=1)
    return shop, asks, failed


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop of one's own."""
    return opened(tmp_path)

"""A real Chromium, as Debian packs it, and a real server for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ),
)


@contextmanager
def chromium(profile: Path, width: int = 1280, height: int = 900, *, dark: bool = False) -> Iterator[webdriver.Chrome]:
    """A browser with a fresh profile; skips where Debian's chromium and its driver are absent."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed: the pages are not tried in a browser")
    options = Options()
    options.binary_location = browser
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    made = webdriver.Chrome(options=options, service=Service(driver))
    made.set_page_load_timeout(60)
    resize(made, width, height)
    if dark:
        features = [{"name": "prefers-color-scheme", "value": "dark"}]
        made.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        yield made
    finally:
        made.quit()


def resize(browser: webdriver.Chrome, width: int, height: int) -> None:
    """Make the window so large, exactly."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@contextmanager
def served(folder: Path, *words: str) -> Iterator[str]:
    """The address, token and all, of a server for the project in ``folder``."""
    command = [sys.executable, "-m", "nano_flow", "serve", "--port", "0", "--json", *words]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = ""
        for line in server.stdout:
            said += line
            if line.startswith("}"):
                break
        try:
            yield str(json.loads(said)["address"])
        finally:
            server.terminate()
            server.wait(60)

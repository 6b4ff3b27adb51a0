"""The pages in a real browser: started, watched, answered and read without a reload, by eye, by ear and on a phone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.web.browser import AXE, chromium, resize, served
from tests.web.shop import Shop, opened

EVERY_PAGE = (
    *("/", "/runs", "/runs/last", "/runs/last/fail", "/questions", "/cost", "/workflows", "/workflows/note.yaml"),
    *("/policy", "/compare", "/providers"),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, webdriver.Chrome, str]]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        shop = opened(tmp_path_factory.mktemp("shop"))
        shop.run("broken.yaml", code=1)
        with served(shop.folder, "--allow", "answer,run") as address:
            browser.get(address)
            until(browser, lambda: "token" not in browser.current_url)
            yield shop, browser, address.partition("/?")[0]


def until(browser: webdriver.Chrome, holds: object, seconds: float = 60.0) -> None:
    """Wait until something holds on the page as it stands, without asking for it again."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, browser.find_element(By.TAG_NAME, "main").text
        time.sleep(0.05)


def state(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return document.querySelector('#head .state')?.textContent ?? ''"))


def test_a_run_is_started_watched_answered_and_finished(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    shop, browser, base = site
    browser.get(f"{base}/workflows/note.yaml")
    browser.find_element(By.ID, "offline").click()
    browser.find_element(By.CSS_SELECTOR, "#start button").click()
    until(browser, lambda: "/runs/" in browser.current_url)
    run = browser.current_url.rpartition("/")[2]
    until(browser, lambda: "approval" in state(browser))
    node = "document.querySelector('[data-path=ask]').classList.contains('waiting')"
    until(browser, lambda: browser.execute_script(f"return {node}"))
    browser.get(f"{base}/questions")
    form = f'form[action="/runs/{run}/answer/ask"]'
    until(browser, lambda: browser.find_elements(By.CSS_SELECTOR, form))
    title = browser.find_element(By.CSS_SELECTOR, f"{form} [name='input.title']")
    title.send_keys("From the page")
    shop.run("broken.yaml", code=1)  # what others do meanwhile must not take away what is being typed
    time.sleep(1)
    assert title.get_attribute("value") == "From the page"
    browser.find_element(By.CSS_SELECTOR, f"{form} button.primary").click()
    until(browser, lambda: f"/runs/{run}" in browser.current_url)
    until(browser, lambda: "succeeded" in state(browser))
    with shop.store.reader() as reader:
        assert reader.approval_answers(run)["ask"].input == {"title": "From the page"}


def test_what_is_run_in_a_terminal_shows_up_by_itself(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    shop, browser, base = site
    browser.get(f"{base}/runs")
    run = shop.run("broken.yaml", code=1)
    until(browser, lambda: browser.execute_script("return document.body.textContent").find(run) >= 0, 20)


def test_a_prompt_is_explained_while_it_is_typed(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    _, browser, base = site
    browser.get(f"{base}/policy")
    browser.find_element(By.ID, "prompt").send_keys("Prove that the scheduler cannot deadlock")
    until(browser, lambda: "in force" in browser.find_element(By.ID, "result").text, 20)
    assert "score" in browser.find_element(By.ID, "result").text


def test_nothing_is_refused_by_the_policy_of_the_pages(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    _, browser, base = site
    browser.get_log("browser")
    for path in ("/", "/runs/last", "/cost", "/policy", "/compare", "/providers", "/workflows"):
        browser.get(base + path)
        assert [line for line in browser.get_log("browser") if "Content Security" in line["message"]] == [], path


@pytest.mark.parametrize("path", ["/", "/runs", "/runs/last", "/questions", "/cost", "/workflows", "/policy"])
def test_pages_fit_a_phone(site: tuple[Shop, webdriver.Chrome, str], path: str) -> None:
    _, browser, base = site
    resize(browser, 400, 800)
    try:
        browser.get(base + path)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
    finally:
        resize(browser, 1280, 900)


def test_the_keyboard_reaches_the_content_first(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    _, browser, base = site
    browser.get(f"{base}/runs")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "To the content"


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_axe_finds_nothing_serious(site: tuple[Shop, webdriver.Chrome, str], path: str) -> None:
    _, browser, base = site
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm install in tests/web brings it")
    browser.get(base + path)
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run().then((result) => done(result.violations.map("
        "(one) => [one.impact, one.id, one.nodes.map((node) => node.html.slice(0, 160))])))"
    )
    assert [one for one in found if one[0] in ("serious", "critical")] == []


def test_dark_is_dark(site: tuple[Shop, webdriver.Chrome, str], tmp_path: Path) -> None:
    _, browser, base = site
    media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        browser.get(base)
        colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert colour == "rgb(18, 22, 28)"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

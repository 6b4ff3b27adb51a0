"""The pages in a real browser: started, watched, answered and read without a reload, by eye, by ear and on a phone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from nano_flow.core.money import usd
from nano_flow.web.exported import run_as_html
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


@pytest.mark.parametrize("path", EVERY_PAGE)
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


def serious(browser: webdriver.Chrome) -> list[object]:
    """What axe-core finds on the page as it stands."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm install in tests/web brings it")
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run().then((result) => done(result.violations.map("
        "(one) => [one.impact, one.id, one.nodes.map((node) => node.html.slice(0, 160))])))"
    )
    return [one for one in found if one[0] in ("serious", "critical")]


@contextmanager
def dark(browser: webdriver.Chrome) -> Iterator[None]:
    """The system prefers dark pages meanwhile."""
    media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_axe_finds_nothing_serious_by_day_and_by_night(site: tuple[Shop, webdriver.Chrome, str], path: str) -> None:
    _, browser, base = site
    browser.get(base + path)
    assert serious(browser) == []
    with dark(browser):
        browser.get(base + path)
        assert serious(browser) == []


def test_axe_finds_nothing_serious_in_an_exported_run(site: tuple[Shop, webdriver.Chrome, str], tmp_path: Path) -> None:
    shop, browser, _ = site
    file = tmp_path / "run.html"
    file.write_text(run_as_html(shop.place, "last"), encoding="utf-8")
    browser.get(file.as_uri())
    assert "echo" in browser.find_element(By.TAG_NAME, "main").text
    # A page that runs no script cannot be looked at by one: the same page without that rule.
    file.write_text(re.sub(r"<meta http-equiv[^>]*>", "", file.read_text(encoding="utf-8")), encoding="utf-8")
    browser.get(file.as_uri())
    assert serious(browser) == []


def test_dark_is_dark(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    _, browser, base = site
    with dark(browser):
        browser.get(base)
        colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert colour == "rgb(18, 22, 28)"


def test_a_run_is_stopped_and_taken_up_again(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    shop, browser, base = site
    go = shop.folder / "go"
    waits = f"while [ ! -e {go} ]; do sleep 0.05; done; echo gone"
    (shop.folder / "waits.yaml").write_text(
        f"nano_flow: 1\nname: waits\nsteps:\n  hold: {{run: [sh, -c, '{waits}']}}\n"
    )
    browser.get(f"{base}/workflows/waits.yaml")
    browser.find_element(By.CSS_SELECTOR, "#start button").click()
    until(browser, lambda: "running" in state(browser))
    press(browser, "Cancel")
    until(browser, lambda: "cancelled" in state(browser))
    go.touch()
    press(browser, "Resume")
    until(browser, lambda: "succeeded" in state(browser))


def press(browser: webdriver.Chrome, label: str) -> None:
    """Click a button as soon as the page has it; a live page may put a new one in its place meanwhile."""

    def clicked() -> bool:
        try:
            browser.find_element(By.XPATH, f"//button[normalize-space()='{label}']").click()
        except (NoSuchElementException, StaleElementReferenceException):
            return False
        return True

    until(browser, clicked)


def test_an_edited_policy_is_set_beside_the_one_in_force(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    _, browser, base = site
    browser.get(f"{base}/policy")
    browser.find_element(By.ID, "prompt").send_keys("Prove that the scheduler cannot deadlock")
    browser.execute_script(
        "const text = document.getElementById('text'); text.value = text.value + '\\n# tried\\n';"
        "text.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    until(browser, lambda: "As a patch" in browser.find_element(By.ID, "result").text, 30)
    titles = [title.text for title in browser.find_elements(By.CSS_SELECTOR, "#result h2")]
    assert titles[:2] == ["in force", "edited"]


def test_the_cost_is_drawn_and_is_that_of_the_ledger(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    shop, browser, base = site
    shop.run("note.yaml", "--no-input", code=6)
    browser.get(f"{base}/cost?by=model&since=")
    until(browser, lambda: browser.find_elements(By.CSS_SELECTOR, ".chart canvas"), 20)
    with shop.store.reader() as reader:
        total = sum(row.simulated_cost for row in reader.spend("model"))
    assert f"~${usd(total)} simulated" in browser.find_element(By.ID, "sums").text


def test_a_question_is_answered_without_a_mouse(site: tuple[Shop, webdriver.Chrome, str]) -> None:
    shop, browser, base = site
    run = shop.run("note.yaml", "--no-input", code=6)
    browser.get(f"{base}/questions")
    form = f'form[action="/runs/{run}/answer/ask"]'
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    for _ in range(80):
        at = browser.switch_to.active_element
        if at.get_attribute("name") == "input.title" and at.find_elements(
            By.XPATH, f"ancestor::form[@action='/runs/{run}/answer/ask']"
        ):
            break
        at.send_keys(Keys.TAB)
    assert browser.find_elements(By.CSS_SELECTOR, form)
    browser.switch_to.active_element.send_keys("By hand")
    for _ in range(6):
        at = browser.switch_to.active_element
        if at.tag_name == "button" and at.get_attribute("value") == "discard":
            break
        at.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    until(browser, lambda: f"/runs/{run}" in browser.current_url, 30)
    with shop.store.reader() as reader:
        answer = reader.approval_answers(run)["ask"]
    assert (answer.decision, answer.input) == ("discard", {"title": "By hand"})

"""report.html in a browser: headless Chromium, driven by selenium; skipped where there is none."""

import pytest

from stages.core.report_page import build
from tests.report_page.test_report_page import EVIL, project, reported  # noqa: F401  (fixtures)
from tests.support.browser import chromium

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    driver = chromium()
    driver.set_window_size(1200, 900)
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, reported):  # noqa: F811
    """The page, opened from disk, once its texts are there."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get((reported[0].folder / build.PATH).as_uri())
    WebDriverWait(browser, 20).until(lambda _: EVIL in words_of(browser, "#map tbody"))
    return browser


def words_of(browser, where: str) -> str:
    return browser.execute_script("return document.querySelector(arguments[0]).textContent", where)


def run(browser, script: str, *words):
    return browser.execute_script(script, *words)


def test_a_text_that_is_markup_shows_as_written_and_nothing_of_it_runs(opened):
    assert EVIL in words_of(opened, "#picked")
    assert run(opened, "return document.querySelectorAll('img').length") == 0
    assert [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_every_section_is_there_with_a_table_beside_every_picture(opened):
    for section in ("answer", "map", "picked", "errors", "made"):
        assert run(opened, "return document.querySelectorAll(`#${arguments[0]} table tbody tr`).length", section) > 0
    assert "With 20 labels" in words_of(opened, "h1")
    assert run(opened, "return document.querySelectorAll('.curve path').length") > 4


def test_the_measure_switches(opened):
    before = words_of(opened, ".cards")
    run(opened, "document.querySelector('input[name=measure]:not(:checked)').click()")
    assert "macro F1" not in before
    assert "macro F1" in words_of(opened, ".cards")


def test_the_slider_and_the_search_list_rows(opened):
    def listed() -> int:
        return int(words_of(opened, "#map [role=status]").split()[0])

    last = listed()
    run(opened, "const s = document.getElementById('rounds'); s.value = 0; s.dispatchEvent(new Event('input'))")
    assert 0 < listed() < last
    run(opened, "const s = document.getElementById('search'); s.value = 'onerror'; s.dispatchEvent(new Event('input'))")
    found = listed()
    assert 0 < found < 60
    assert words_of(opened, "#map tbody").count("onerror") == found


def test_a_lasso_around_all_lists_all(opened):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    run(opened, "document.getElementById('lasso').click()")
    plane = opened.find_element(By.CSS_SELECTOR, ".plane canvas")
    run(opened, "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", plane)
    x, y = plane.size["width"] // 2 - 2, plane.size["height"] // 2 - 2
    way = ActionChains(opened, duration=50).move_to_element_with_offset(plane, -x, -y).click_and_hold()
    for corner in ((2 * x, 0), (0, 2 * y), (-2 * x, 0)):
        way = way.move_by_offset(*corner)
    way.release().perform()
    rows = run(opened, "return DATA.map.row.length")
    assert words_of(opened, "#map [role=status]").startswith(f"{rows} of the {rows} rows on the map are in the lasso")


def test_keys_alone_walk_through_the_rows(opened):
    from selenium.webdriver.common.by import By

    plane = opened.find_element(By.CSS_SELECTOR, ".plane canvas")
    run(opened, "arguments[0].focus()", plane)
    plane.send_keys("n")
    assert words_of(opened, "#map [role=status]").startswith("1 of ")
    assert run(opened, "return document.querySelector('.tip').hidden") is False
    assert "picked at stage1" in words_of(opened, ".tip")


def test_a_table_sorts_by_a_heading(opened):
    from selenium.webdriver.common.by import By

    heads = opened.find_elements(By.CSS_SELECTOR, "#errors .beside > :last-child th button")
    column = (
        "return [...document.querySelectorAll('#errors .beside > :last-child tbody tr')].map((row) => row.children[0].textContent)"
    )
    run(opened, "arguments[0].click()", heads[0])
    assert run(opened, column) == ["neg", "pos"]
    run(opened, "arguments[0].click()", heads[0])
    assert run(opened, column) == ["pos", "neg"]


def test_every_colouring_paints_the_map_anew(opened):
    from selenium.webdriver.support.ui import WebDriverWait

    seen = set()
    for value in ("bucket", "class", "score", "picked"):  # of two classes, predicted may be painted as the class is
        run(
            opened,
            "const s = document.getElementById('colour-by'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
            value,
        )
        painted = "return document.querySelector('.plane canvas').toDataURL()"
        WebDriverWait(opened, 5).until(lambda _: run(opened, painted) not in seen)  # noqa: B023
        seen.add(run(opened, painted))
        assert words_of(opened, "#map .legend")
    assert [entry for entry in opened.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_it_prints_light_with_all_settings_open(opened):
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    try:
        dark = run(opened, "return [isDark(), colour('paper')]")
        run(opened, "dispatchEvent(new Event('beforeprint'))")
        assert dark != run(opened, "return [isDark(), colour('paper')]") == [False, "#ffffff"]
        assert run(opened, "return document.querySelectorAll('details:not([open])').length") == 0
        run(opened, "dispatchEvent(new Event('afterprint'))")
        assert run(opened, "return isDark()") is True
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("width", [400, 1600])
def test_nothing_is_wider_than_the_window(opened, width):
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        assert run(opened, "return document.documentElement.scrollWidth") <= width
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

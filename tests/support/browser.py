"""A real Chromium, driven by Selenium, with the labelling page in it."""

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from stages.core.people.labelling_page.desk import Desk
from stages.core.people.labelling_page.server import app

TOKEN = "the-token"  # noqa: S105
BROWSERS, DRIVER = ("chromium", "chromium-browser", "google-chrome"), "chromedriver"
SHOWN = "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility()).map((e) => e.innerText).join(' | ')"
WANTED = "BROWSER_WANTED"  # set by make test-browser; then a missing browser is an error


def chromium():
    """A driver of a headless Chromium. Without one the test is skipped, or fails if one is wanted."""
    browser, driver = next(filter(None, map(shutil.which, BROWSERS)), None), shutil.which(DRIVER)
    if not (browser and driver):
        missing = f"found no {' or '.join(BROWSERS)} with {DRIVER} (Debian: apt install chromium chromium-driver)"
        (pytest.fail if os.environ.get(WANTED) else pytest.skip)(missing)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
        "--force-color-profile=srgb",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))


@contextlib.contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The address of the page, served by a thread of this process."""
    import uvicorn

    bound = socket.create_server(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    config = uvicorn.Config(app(desk, TOKEN, port), log_level="warning", access_log=False, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}/?token={TOKEN}"
    server.should_exit = server.force_exit = True
    thread.join(10)


class Window:
    """What an annotator sees and presses."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, address: str, who: str = "anna") -> "Window":
        self.driver.get(f"{address}&who={who}")
        self.until(lambda: self.text("#count"))
        return self

    def find(self, css: str):
        return self.driver.find_elements("css selector", css)

    def text(self, css: str) -> str:
        """The visible text of all these elements, read at once because the page may redraw between two reads."""
        return self.driver.execute_script(SHOWN, css)

    def press(self, *keys: str) -> None:
        """Send keys to the focused element, each after the page has handled the one before."""
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()
            self.until(lambda: not self.find("body[aria-busy]"))

    def click(self, css: str) -> None:
        [element] = self.find(css)
        element.click()
        self.until(lambda: not self.find("body[aria-busy]"))

    def until(self, holds: Callable[[], object], seconds: float = 15) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, self.text("body")
            time.sleep(0.02)

    def complaints(self) -> list[str]:
        """The browser's console: errors of scripts, and violations of the page's policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

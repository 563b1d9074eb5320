"""Chromium on the pages of a device, logged in."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from tests.bench.needs import CannotMeasure
from tests.prove.dashboard.device import NAME, PASSWORD, Device

WAIT_S = 60
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--window-size=1280,900",
)


class Tab:
    """One tab."""

    def __init__(self, driver: webdriver.Chrome, device: Device) -> None:
        self._driver, self._device = driver, device
        driver.set_script_timeout(300)

    def go(self, path: str) -> None:
        """Open a page, with an empty record of what it loads."""
        self._driver.get_log("performance")
        self._driver.get(self._device.address + path.lstrip("/"))

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        WebDriverWait(self._driver, WAIT_S, 0.05).until(
            lambda driver: driver.execute_script(f"return {condition}"), condition
        )

    def ask_later(self, script: str, *values: Any) -> Any:
        """What a script gives to its last argument."""
        return self._driver.execute_async_script(script, *values)

    def log_in(self) -> None:
        """As a person does."""
        self._driver.get(self._device.address + "login")
        self._driver.find_element("id", "name").send_keys(NAME)
        self._driver.find_element("id", "password").send_keys(PASSWORD)
        self._driver.find_element("css selector", "button[type=submit]").click()
        self.wait("location.pathname !== '/login'")

    def forget(self) -> None:
        """Forget all that was loaded."""
        self._driver.execute_cdp_cmd("Network.clearBrowserCache", {})

    def loaded(self) -> list[tuple[str, str]]:
        """Address and kind of all that the page loaded."""
        self._sizes: dict[str, int] = {}
        urls: dict[str, tuple[str, str]] = {}
        for line in self._driver.get_log("performance"):
            message = json.loads(line["message"])["message"]
            values = message["params"]
            if message["method"] == "Network.responseReceived":
                urls[values["requestId"]] = (values["response"]["url"], values["type"])
            elif message["method"] == "Network.loadingFinished" and values["requestId"] in urls:
                self._sizes[urls[values["requestId"]][0]] = int(values["encodedDataLength"])
        return list(urls.values())

    def size_of(self, url: str) -> int:
        """Bytes on the wire, headers included."""
        return self._sizes.get(url, 0)


@contextmanager
def opened(profile: Path, device: Device) -> Iterator[Tab]:
    """A tab in which somebody is logged in.

    Raises:
        CannotMeasure: There is no Chromium.
    """
    found = [shutil.which("chromium"), shutil.which("chromedriver")]
    if None in found:
        raise CannotMeasure("chromium is missing; apt-get install -y chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(found[0])
    for flag in _FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options, Service(str(found[1])))
    try:
        tab = Tab(driver, device)
        tab.log_in()
        yield tab
    finally:
        driver.quit()

"""A headless Chromium for the tests of pages: no network, nothing but files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

#: Chromium asks nobody: every name is unknown to it, and its own services are off.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
)


def absent(reason: str) -> None:
    """Skip where a person runs the tests, fail where nobody would see the skip."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def chromium(profile: Path, *, width: int = 1280, phone: bool = False, dark: bool = False) -> Any:
    """Start a browser.

    Args:
        profile: An empty folder.
        width: Of its window, in CSS pixels.
        phone: Whether it lays pages out as a phone does.
        dark: Whether its user prefers dark pages.

    Returns:
        A Selenium driver; the caller quits it.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    binary = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        absent("no Chromium with chromedriver is installed (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = str(binary)
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(str(driver)))
    # A busy machine takes its time over the longest page.
    chrome.set_page_load_timeout(120)
    chrome.set_script_timeout(500)
    chrome.command_executor.client_config.timeout = 600
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": phone}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    return chrome

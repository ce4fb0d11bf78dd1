"""A real browser for the console's tests.

``python -m tests.support.browser`` makes sure that there is one: Chromium or Chrome of this
machine, the one that Playwright brings, or, as root on Debian and its kin, the distribution's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: with one whose letters are Chinese, for the screenshots
PACKAGES = ("chromium", "fonts-wqy-microhei")
FLAGS = (
    # A machine without a screen or a processor for pictures; root has no sandbox.
    "--no-sandbox",
    "--disable-gpu",
    # It talks to the server under test and to nobody else.
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def program() -> str:
    """Its path; empty where there is none."""
    named = os.environ.get("XPLATFORM_TEST_BROWSER")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), "")
    return found or _of_playwright()


def _of_playwright() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else ""


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A running browser of Playwright's kind."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def get() -> bool:
    """Installs one where that is possible without asking anybody."""
    if program():
        return True
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("Installing Chromium for the console's tests")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        install = ["apt-get", "install", "-qq", "--no-install-recommends", *PACKAGES]
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (install, ["apt-get", "update", "-qq"], install):
            done = subprocess.run(words, env=environ, check=False, **quiet)  # type: ignore[call-overload]
            if words is install and done.returncode == 0:
                return True
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return bool(program())


if __name__ == "__main__":
    if not get():
        print(
            "There is no Chromium or Chrome here, and none could be installed: the console's tests"
            " are left out. Install one, or name it by XPLATFORM_TEST_BROWSER."
        )

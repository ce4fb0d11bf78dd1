"""Somebody in front of the console."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.server import ROOT, Server

ADMIN, PASSWORD = "admin", "test-admin-password-1"
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
#: what a browser writes of answers that are none of its business to judge
_EXPECTED = re.compile(r"Failed to load resource: .*status of (4\d\d|503)|WebSocket connection to")
#: nothing has moved for a while: what is to fade in may not have begun
_AT_REST = """async () => {
  for (let calm = 0; calm < 3; calm += 1) {
    await new Promise((next) => setTimeout(next, 40));
    const moving = document.getAnimations()
      .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
    if (moving.length) calm = -1;
    await Promise.allSettled(moving.map((one) => one.finished));
  }
}"""
WAIT_MS = 20_000
expect.set_options(timeout=WAIT_MS)


class Visit:
    """One browser with cookies of its own."""

    def __init__(self, chromium: Any, server: Server, **looks: Any) -> None:
        self.server = server
        size = {"width": 1280, "height": 860}
        self.context = chromium.new_context(**{"locale": "en-US", "viewport": size, **looks})
        self.context.set_default_timeout(WAIT_MS)
        self.page: Page = self.context.new_page()
        self._complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._complaints.append(f"page error: {error}"))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning") and not _EXPECTED.match(message.text):
            self._complaints.append(f"{message.type}: {message.text}")

    def log_in(self, user: str = ADMIN, password: str = PASSWORD) -> None:
        """Without the form."""
        token = self.context.request.get(f"{self.server.base}/api/session").json()["csrf_token"]
        answer = self.context.request.post(
            f"{self.server.base}/api/session",
            data={"username": user, "password": password},
            headers={"X-CSRFToken": token, "Referer": self.server.base},
        )
        assert answer.ok, answer.text()

    def go(self, path: str) -> Page:
        """To a page, until its title stands there."""
        self.page.goto(f"{self.server.base}/ui{path}")
        expect(self.page.locator("h1")).to_be_visible()
        return self.page

    def findings(self) -> list[str]:
        """What axe finds wrong with the page as it is, serious or worse."""
        # What is half faded in is hard to read, for a moment.
        self.page.evaluate(_AT_REST)
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run()")["violations"]
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]

    def shoot(self, path: Path) -> None:
        """What is in sight: a list of hundreds would make a picture of many metres."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)

    def close(self) -> list[str]:
        self.context.close()
        return self._complaints

"""A whole server is given every kind of secret and used with each; then all that others may see is
searched for them: logs, command lines, metrics, events, the audit, and the database's file."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from tests.support.server import API_KEY, serving, wait_for

pytestmark = pytest.mark.server

PASSWORD = "test-admin-password-1"
HUB = "hf_StoredHubTokenAbCdEfGh"
SETTING = "hf_SettingsHubTokenAbCdEf"
WRONG = "xp-WrongKeyThatSomebodyTried0001"
PROMPT_SECRET = "xp-KeyInsideAPromptThatIsLogged01"


def test_nothing_leaks() -> None:
    with serving(
        "--log-level", "debug", "--log-bodies",
        XPLATFORM_HF_TOKEN=SETTING, XPLATFORM_PEER_TOKEN="peer-token-abcdef-0001",
    ) as server:  # fmt: skip
        server.launch("fake")
        login = server.post("/token", {"username": "admin", "password": PASSWORD}, key=None)
        assert login.status == 200, login.body
        token = str(login.json()["access_token"])
        stored = server.request("PUT", "/api/settings/secrets/hf_token", {"value": HUB})
        assert stored.status == 200, stored.body
        made = str(server.post("/api/keys", {"name": "second"}).json()["key"])
        for key in (API_KEY, token, made):
            assert server.get("/v1/models", key=key).status == 200
            assert server.get("/api/keys", key=key).status == 200
        assert server.get("/v1/models", key=WRONG).status == 401
        assert server.get("/api/keys", key=WRONG).status == 401
        assert server.chat("fake", f"my key is {PROMPT_SECRET}", max_tokens=2).status == 200
        bad = {"username": "admin", "password": "wrong-password-0001"}
        assert server.post("/token", bad, key=None).status in (400, 401)

        home = Path(server.home)
        own = [path for path in (home / "secrets").iterdir() if path.is_file()]
        secrets = {
            API_KEY, token, made, HUB, SETTING, WRONG, PROMPT_SECRET, PASSWORD,
            "peer-token-abcdef-0001", "wrong-password-0001",
            *(word for path in own for word in path.read_text().split() if len(word) > 20),
        }  # fmt: skip
        assert len(secrets) > 12

        # It was logged, and without what is secret in it.
        logs = home / "logs"
        wait_for(lambda: "my key is" in read(logs), "the body in the log")
        shown = {
            "logs": read(logs),
            "console": server.output.read_text(errors="replace"),
            "command lines": "\n".join(
                " ".join(process.cmdline()) for process in server.processes() if alive(process)
            ),
            "metrics": server.get("/metrics").body.decode(),
            "events": server.get("/api/events").body.decode(),
            "audit": server.get("/api/audit").body.decode(),
            "settings of secrets": server.get("/api/settings/secrets").body.decode(),
            "keys": server.get("/api/keys").body.decode(),
            "database": b"".join(
                path.read_bytes() for path in home.glob("*.sqlite3*")
            ).decode("latin-1"),
        }  # fmt: skip
        assert shown["database"]
        assert json.loads(shown["audit"])
        found = [
            (place, secret[:12]) for place, text in shown.items() for secret in secrets
            if secret in text
        ]  # fmt: skip
        assert found == []


def read(folder: Path) -> str:
    return "\n".join(
        path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()
    )


def alive(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)

"""What ``check --deploy`` says of settings, each problem by itself and a proper deployment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.deploy_checks import problems
from apps.models import checks
from apps.models.orders import LaunchOrder
from tests.safety import certificates
from tests.support.server import ROOT
from xplatform.core.config import Settings
from xplatform.core.errors import Forbidden
from xplatform.files import Source

PROPER: dict[str, Any] = {
    "host": "0.0.0.0",
    "tls_cert": "c",
    "tls_key": "k",
    "allowed_hosts": "models.example.com",
}


def ids(tmp_path: Path, **values: Any) -> list[str]:
    return [p.id or "" for p in problems(Settings(home=str(tmp_path), **{**PROPER, **values}))]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"host": "127.0.0.1", "tls_cert": "", "tls_key": "", "allowed_hosts": ""}, []),
        ({"tls_cert": "", "tls_key": ""}, ["xplatform.W001"]),
        ({"cors_origins": "https://a.example, *"}, ["xplatform.W002"]),
        ({"allowed_hosts": ""}, ["xplatform.W003"]),
        ({"tls_cert": "", "tls_key": "", "behind_tls": True}, ["xplatform.W005"]),
        ({"tls_cert": "", "behind_tls": True, "trusted_proxies": "10.0.0.1"}, []),
        ({"allow_remote_code": True}, ["xplatform.W006"]),
        ({"log_bodies": True}, ["xplatform.W007"]),
        ({"fetch_allow": "files.example.com,10.1.0.0/16"}, []),
        ({"fetch_allow": "0.0.0.0/0"}, ["xplatform.W008"]),
        ({"fetch_allow": "169.254.0.0/16"}, ["xplatform.W008"]),
        ({"api_key": "short"}, ["xplatform.W009"]),
        ({"log_level": "debug"}, ["xplatform.W010"]),
    ],
)
def test_each_problem(tmp_path: Path, values: dict[str, Any], found: list[str]) -> None:
    assert ids(tmp_path, **values) == found


def test_files_that_others_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    (folder / "vault").touch(0o600)
    config = tmp_path / "config.toml"
    config.write_text('hf_token = "x"')
    config.chmod(0o600)
    _, key = certificates.make(tmp_path)
    assert ids(tmp_path, tls_key=str(key)) == []
    for path, wrong in ((folder, 0o755), (folder / "vault", 0o640), (config, 0o644), (key, 0o604)):
        right = path.stat().st_mode
        path.chmod(wrong)
        (problem,) = problems(Settings(home=str(tmp_path), **{**PROPER, "tls_key": str(key)}))
        assert (problem.id, str(path) in problem.msg) == ("xplatform.E004", True)
        path.chmod(right)


def test_the_command_is_clean_on_a_proper_deployment(tmp_path: Path) -> None:
    """Django's own checks included."""
    certificate, key = certificates.make(tmp_path)
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
        env={
            "PATH": "/usr/bin:/bin", "XPLATFORM_HOME": str(tmp_path / "home"),
            "XPLATFORM_HOST": "0.0.0.0", "XPLATFORM_ALLOWED_HOSTS": "models.example.com",
            "XPLATFORM_TLS_CERT": str(certificate), "XPLATFORM_TLS_KEY": str(key),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout


# --- code of repositories --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "revision", "may"),
    [
        ("", "", False),
        ("acme/tiny", "", True),
        ("acme/*", "abc", True),
        ("other/*, acme/tiny@abc", "abc", True),
        ("acme/tiny@abc", "", False),
        ("acme/tiny@abc", "abd", False),
        ("acme/tin", "", False),
        ("ACME/tiny", "", False),
    ],
)
@pytest.mark.parametrize("how", ["field", "option"])
def test_code_of_a_repository_runs_only_where_it_is_allowed(
    monkeypatch: pytest.MonkeyPatch, allowed: str, revision: str, may: bool, how: str
) -> None:
    monkeypatch.setattr(checks, "settings", lambda: Settings(allowed_remote_code=allowed))
    source = Source("huggingface", "acme/tiny", revision=revision)
    given: dict[str, Any] = (
        {"trust_remote_code": True} if how == "field" else {"options": {"trust-remote-code": True}}
    )
    order = LaunchOrder(uid="m", source=source, **given)
    if may:
        checks.check_remote_code(order)
        return
    with pytest.raises(Forbidden, match="allowed_remote_code = 'acme/tiny") as caught:
        checks.check_remote_code(order)
    assert caught.value.param == "trust_remote_code"


def test_who_asks_for_no_code_needs_no_leave() -> None:
    checks.check_remote_code(LaunchOrder(uid="m", source=Source("huggingface", "acme/tiny")))

"""``manage.py check --deploy``: what a server that others reach should not be without.

Django's own checks of this kind look at its settings; what ``xplatform.door`` does instead of
Django's middleware is silenced in ``xplatform/settings.py``, and asked here.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register

from xplatform.core.addresses import is_own_machine, read_allowed
from xplatform.core.config import SECRET_SETTINGS, Settings, settings

#: characters of a key that nobody guesses
_LONG_ENOUGH = 32


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return list(problems(settings()))


def problems(of: Settings) -> Iterator[CheckMessage]:
    reached = not is_own_machine(of.host)
    encrypted = bool(of.tls_cert) or of.behind_tls
    if reached and not encrypted:
        yield Warning(
            f"The server listens on {of.host} without TLS: keys and prompts cross the network in"
            " the clear.",
            hint="Give tls_cert and tls_key, or put a proxy in front and set behind_tls.",
            id="xplatform.W001",
        )
    if "*" in {word.strip() for word in of.cors_origins.split(",")}:
        yield Warning(
            "cors_origins is *: every page of the web may call the API from a visitor's browser.",
            hint="Name the origins that may.",
            id="xplatform.W002",
        )
    if reached and not of.allowed_hosts:
        yield Warning(
            "The server answers to any name.",
            hint="Set allowed_hosts to the names by which people reach it.",
            id="xplatform.W003",
        )
    for path in _open_to_others(of):
        yield Error(
            f"{path} can be read by other users of this machine.",
            hint=f"chmod go-rwx {path}",
            id="xplatform.E004",
        )
    if of.behind_tls and not of.trusted_proxies:
        yield Warning(
            "behind_tls is set, but no proxy is trusted: nobody's https would be believed.",
            hint="Set trusted_proxies to the address of the proxy.",
            id="xplatform.W005",
        )
    if of.allow_remote_code:
        yield Warning(
            "allow_remote_code lets a launch run the code of any repository.",
            hint="Name the repositories that you trust in allowed_remote_code instead.",
            id="xplatform.W006",
        )
    if of.log_bodies:
        yield Warning(
            "log_bodies writes what people ask the models into the logs.",
            hint="Switch it off when you have seen what you wanted to see.",
            id="xplatform.W007",
        )
    if wide := _too_wide(of):
        yield Warning(
            f"fetch_allow lets requests reach {wide}, where this machine's own services or its"
            " cloud's metadata answer.",
            hint="Name the hosts that are meant.",
            id="xplatform.W008",
        )
    if of.api_key and len(of.api_key) < _LONG_ENOUGH:
        yield Warning(
            f"The setting api_key has less than {_LONG_ENOUGH} characters.",
            hint="Leave it out and a key is made, or use `openssl rand -base64 32`.",
            id="xplatform.W009",
        )
    if of.log_level == "debug":
        yield Warning(
            "log_level is debug: libraries tell more than they should.",
            hint="Use info.",
            id="xplatform.W010",
        )


def _open_to_others(of: Settings) -> Iterator[Path]:
    """Of what holds secrets."""
    folder = of.home_path / "secrets"
    yield from (path for path in (folder, *_inside(folder)) if _mode(path) & 0o077)
    config = of.home_path / "config.toml"
    if _mode(config) & 0o077:
        text = config.read_text(errors="replace")
        if any(name in text for name in SECRET_SETTINGS) or ":" in of.broker.rpartition("@")[0]:
            yield config
    if of.tls_key and _mode(key := Path(of.tls_key).expanduser()) & 0o077:
        yield key


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _too_wide(of: Settings) -> str:
    own = ("127.0.0.1/32", "169.254.169.254/32", "::1/128")
    for network in read_allowed(of.fetch_allow).networks:
        for text in own:
            there = ip_network(text)
            if network.version == there.version and there.subnet_of(network):  # type: ignore[arg-type]
                return str(network)
    return ""

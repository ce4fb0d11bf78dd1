"""HTTP to a provider: to its hosts and no others, with limits on time and size, no redirects."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session

from xplatform.core.addresses import is_own_machine

#: seconds to connect, between two bytes, and for all of it
_CONNECT, _READ, _WHOLE = 5.0, 10.0, 20.0
#: no document of OpenID Connect's is as large
_LARGEST: Final = 1024 * 1024


class NotThere(Exception):
    """The provider cannot be asked, or answers nonsense; the text is for the operator's log."""


class GuardedSession(OAuth2Session):  # type: ignore[misc]
    def __init__(self, *args: Any, hosts: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hosts = frozenset(hosts)
        # Neither credentials of the machine's user nor a proxy for the world, on this machine.
        self.trust_env = not any(is_own_machine(host) for host in self._hosts)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        check_address(str(request.url), self._hosts)
        kwargs |= {"stream": True, "allow_redirects": False, "timeout": (_CONNECT, _READ)}
        try:
            response: requests.Response = super().send(request, **kwargs)
            _read(response)
        except requests.RequestException as error:
            raise NotThere(f"{host_of(str(request.url))}: {type(error).__name__}") from None
        if response.is_redirect:
            raise NotThere(f"{host_of(str(request.url))} answers with a redirect")
        return response


def check_address(url: str, hosts: Collection[str]) -> None:
    """Raises NotThere for an address that the operator has not named."""
    host = host_of(url)
    if host not in hosts:
        raise NotThere(f"{host or url[:100]!r} is not among the provider's hosts")
    scheme = urlsplit(url).scheme
    if scheme != "https" and not (scheme == "http" and is_own_machine(host)):
        raise NotThere(f"{host} is to be asked by {scheme}, not by https")


def host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _read(response: requests.Response) -> None:
    """The body, up to a limit, and not for ever: a slow sender holds a thread."""
    until = time.monotonic() + _WHOLE
    parts, size = [], 0
    for part in response.iter_content(65536):
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            raise NotThere(f"{host_of(str(response.url))} sends more than {_LARGEST} bytes")
        if time.monotonic() > until:
            raise NotThere(f"{host_of(str(response.url))} takes longer than {_WHOLE:.0f} s")
    response._content = b"".join(parts)

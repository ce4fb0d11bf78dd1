"""Talking to a server. Standard library only: commands answer at once."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from xplatform.cli import device_login, logins
from xplatform.core.addresses import is_own_machine
from xplatform.core.config import Settings, load_settings

if TYPE_CHECKING:
    import ssl

TIMEOUT = 30.0

#: exit codes of commands that ask a server; docs/cli.md explains them
FAILED, USAGE, NOT_FOUND, NO_ACCESS, CONFLICT, NO_SERVER = 1, 2, 3, 4, 5, 6

_BY_STATUS = {0: NO_SERVER, 400: USAGE, 401: NO_ACCESS, 403: NO_ACCESS, 404: NOT_FOUND}
_BY_STATUS |= {409: CONFLICT, 422: USAGE}


class ServerError(Exception):
    """The server refused or cannot be reached; the text is one sentence."""

    def __init__(self, text: str, status: int = FAILED, code: str = "") -> None:
        super().__init__(text)
        #: of docs/errors.md, if the server gave one
        self.code = code
        #: 0: not reached; 1: no answer of HTTP's is to blame
        self.status = status

    @property
    def exit_code(self) -> int:
        return exit_code_of(self.status)


def exit_code_of(status: int) -> int:
    """Of an answer's status; 0: there was none."""
    return _BY_STATUS.get(status, FAILED)


class UsageError(ServerError):
    """What was typed makes no sense; no server was asked."""

    @property
    def exit_code(self) -> int:
        return USAGE


class Connection:
    """One server, with what lets us in."""

    def __init__(
        self,
        endpoint: str | None,
        api_key: str | None,
        settings: Settings,
        local: bool = False,
    ) -> None:
        """``local``: the server of this home, wherever somebody has logged in."""
        given = endpoint
        if not given and not local:
            given = os.environ.get("XPLATFORM_ENDPOINT") or os.environ.get("XINFERENCE_ENDPOINT")
            given = given or logins.current()
        self.endpoint = (given or running_at(settings)).rstrip("/")
        if urlsplit(self.endpoint).scheme not in ("http", "https"):
            raise UsageError(f"{self.endpoint} is no address like http://host:9997.")
        self._key = api_key or os.environ.get("XPLATFORM_API_KEY") or logins.key(self.endpoint)
        signed_in = not self._key and logins.renewal(self.endpoint) is not None
        if not self._key and not signed_in and given is None:
            # Whoever can read the home may operate the server. The token goes to no other server.
            self._key = _local_token(settings)
        handlers: list[urllib.request.BaseHandler] = []
        if is_own_machine(urlsplit(self.endpoint).hostname or ""):
            # A proxy for the world knows no server of this machine.
            handlers.append(urllib.request.ProxyHandler({}))
        if given is None and (context := _context(settings)) is not None:
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)
        #: a login in a browser, whose token changes from time to time
        self._renewed = signed_in

    def get(self, route: str, /, *, timeout: float = TIMEOUT, **query: Any) -> Any:
        """What is None is left out of the query."""
        given = {name: value for name, value in query.items() if value is not None}
        if given:
            route += "?" + urlencode(given)
        return self.call("GET", route, timeout=timeout)

    def call(self, method: str, path: str, body: Any = None, timeout: float = TIMEOUT) -> Any:
        """The answer's JSON; raises ServerError."""
        with self._open(method, path, body, timeout) as answer:
            try:
                content = answer.read()
            except OSError as error:
                raise self._unreached(error) from None
        try:
            return json.loads(content) if content else None
        except ValueError:
            raise ServerError(f"What answers at {self.endpoint} is not xplatform.") from None

    def text(self, route: str, **query: Any) -> str:
        """The answer as it is; raises ServerError."""
        given = {name: value for name, value in query.items() if value is not None}
        with self._open("GET", f"{route}?{urlencode(given)}", None, TIMEOUT) as answer:
            try:
                return str(answer.read().decode())
            except OSError as error:
                raise self._unreached(error) from None

    def stream(self, path: str, body: Any, timeout: float = 600.0) -> Iterator[Any]:
        """The JSON of each event; raises ServerError, for an error in mid-stream too."""
        with self._open("POST", path, body, timeout) as answer:
            try:
                for line in answer:
                    data = line.strip()
                    if not data.startswith(b"data:"):
                        continue
                    data = data[5:].strip()
                    if data == b"[DONE]":
                        return
                    event = json.loads(data)
                    if isinstance(event, dict) and event.get("error"):
                        raise ServerError(str(event["error"].get("message", event["error"])))
                    yield event
            except OSError as error:
                raise self._unreached(error) from None
        raise ServerError("The answer broke off before its end.")

    def form(self, path: str, values: dict[str, str]) -> tuple[int, Any]:
        """POST of a form, without our key: (status, JSON or None). Raises ServerError."""
        request = urllib.request.Request(
            self.endpoint + path,
            data=urlencode(values).encode(),
            headers={"Accept": "application/json"},
            method="POST",
        )
        try:
            try:
                with self._opener.open(request, timeout=TIMEOUT) as answer:
                    status, content = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, content = error.code, error.read()
        except (urllib.error.URLError, OSError) as error:
            raise self._unreached(error) from None
        try:
            return status, json.loads(content)
        except ValueError:
            return status, None

    def _open(self, method: str, path: str, body: Any, timeout: float) -> Any:
        headers = {"Accept": "application/json"}
        key = device_login.token(self.endpoint, self.form) if self._renewed else self._key
        if key:
            headers["Authorization"] = f"Bearer {key}"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(
            self.endpoint + path, data=data, headers=headers, method=method
        )
        try:
            return self._opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            raise ServerError(*_refusal(error, self.endpoint)) from None
        except (urllib.error.URLError, OSError) as error:
            raise self._unreached(error) from None

    def _unreached(self, error: OSError) -> ServerError:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return ServerError(f"The server at {self.endpoint} did not answer in time.", 0)
        return ServerError(
            f"No server answers at {self.endpoint} ({getattr(reason, 'strerror', '') or reason}"
            "); start one with 'xplatform serve', or give --endpoint.",
            0,
        )


def path_of(*parts: str) -> str:
    """ "/api/launches/a%2Fb" of ("api", "launches", "a/b")."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def running_at(settings: Settings) -> str:
    """Address of the server on this home, which may have been started with other flags."""
    from xplatform.warden.listen import address

    return address(_running(settings))


def _running(settings: Settings) -> Settings:
    """What the server on this home runs with; if none runs, what it would be started with."""
    try:
        path = settings.run_path / "settings.json"
        return load_settings(environ={"XPLATFORM_SETTINGS": str(path)})
    except Exception:
        return settings


def _context(settings: Settings) -> ssl.SSLContext | None:
    """For the server of this home: its own certificate, whoever signed it."""
    running = _running(settings)
    if not running.tls_cert:
        return None
    from xplatform.core import tls

    return tls.local_context(running)


def _local_token(settings: Settings) -> str | None:
    # Not by secret(), which would make a home where none is.
    try:
        return Path(settings.home_path / "secrets" / "local").read_text().strip()
    except OSError:
        return None


def _refusal(error: urllib.error.HTTPError, endpoint: str) -> tuple[str, int, str]:
    """A sentence, the status and the code."""
    try:
        said = json.loads(error.read())["error"]
        return str(said["message"]), error.code, str(said.get("code") or "")
    except (ValueError, KeyError, TypeError, OSError):
        text = f"The server at {endpoint} answered {error.code} {error.reason}."
        return text, error.code, ""

"""Requests in threads, and what their users got of them."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.support.server import API_KEY, Server, wait_for

CHAT = "/v1/chat/completions"


def count(tokens: int, first: int = 0) -> str:
    """What the fake engine says: nothing lost, doubled or reordered."""
    return "".join(f"{number} " for number in range(first, tokens))


def chat_body(model: str, *, stream: bool = False, **values: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}], **values}
    return {**body, "stream": True} if stream else body


class Call(threading.Thread):
    """One request, sent at once."""

    def __init__(
        self,
        server: Server,
        body: dict[str, Any],
        path: str = CHAT,
        timeout: float = 120.0,
        on_text: Callable[[str], None] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(daemon=True)
        self._port, self._path, self._timeout = server.port, path, timeout
        #: told all text so far, at each piece
        self._on_text = on_text
        self._headers = headers or {}
        self._body = json.dumps(body).encode()
        self._connection: http.client.HTTPConnection | None = None
        self.began = time.monotonic()
        self.ended = 0.0
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self.comments: list[str] = []
        self.finish: str | None = None
        self.usage: dict[str, Any] | None = None
        #: the ``error`` object of the answer, or of the last event of its stream
        self.error: dict[str, Any] | None = None
        #: [DONE] was seen, or the whole body arrived
        self.complete = False
        #: id in the answer, which is the request's own within the platform
        self.answer_id = ""
        #: what broke the connection
        self.broke: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._talk()
        except Exception as error:
            self.broke = error
        finally:
            self.ended = time.monotonic()
            if self._connection is not None:
                self._connection.close()

    def _talk(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout)
        self._connection = connection
        headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
        connection.request("POST", self._path, self._body, headers | self._headers)
        response = connection.getresponse()
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.status = response.status
        if "event-stream" not in self.headers.get("content-type", ""):
            self._take(json.loads(response.read()))
            self.complete = self.error is None
            return
        while line := response.readline():
            if line.startswith(b": "):
                self.comments.append(line[2:].decode().strip())
            if not line.startswith(b"data: "):
                continue
            data = line[6:].strip()
            if data == b"[DONE]":
                self.complete = True
            else:
                self._take(json.loads(data))

    def _take(self, data: dict[str, Any]) -> None:
        self.error = data.get("error", self.error)
        self.usage = data.get("usage") or self.usage
        self.answer_id = data.get("id", self.answer_id)
        for choice in data.get("choices", ()):
            if choice["index"] == 0:
                said = choice.get("delta") or choice.get("message") or {}
                self.text += said.get("content") or choice.get("text") or ""
                self.finish = choice.get("finish_reason") or self.finish
        if self._on_text is not None and self.text:
            self._on_text(self.text)

    # -- for tests ----------------------------------------------------------------------------

    @property
    def tokens(self) -> int:
        return len(self.text.split())

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    def at(self, tokens: int, timeout: float = 30.0) -> Call:
        """Wait until the user has seen this many tokens."""
        wait_for(lambda: self.tokens >= tokens or self.ended, f"{tokens} tokens", timeout)
        assert self.tokens >= tokens, self
        return self

    def result(self, timeout: float = 60.0) -> Call:
        self.join(timeout)
        assert not self.is_alive(), f"no end after {timeout} s: {self}"
        return self

    def counted(self, tokens: int, timeout: float = 60.0) -> Call:
        """The user got exactly this count, and a proper end."""
        self.result(timeout)
        assert self.text == count(tokens), self
        assert (self.status, self.error, self.broke) == (200, None, None), self
        assert self.complete and self.finish == "length", self
        return self

    def leave(self) -> None:
        """Close the connection from outside, in the middle of whatever it does."""
        assert self._connection is not None and self._connection.sock is not None
        self._connection.sock.shutdown(2)

    def __repr__(self) -> str:
        text = self.text if len(self.text) < 300 else f"{self.text[:150]} … {self.text[-150:]}"
        return (
            f"status {self.status}, text {text!r}, finish {self.finish}, complete "
            f"{self.complete}, error {self.error}, broke {self.broke!r}, "
            f"{max(0.0, self.seconds):.1f} s"
        )


def stream(server: Server, model: str, tokens: int, **values: Any) -> Call:
    return Call(server, chat_body(model, stream=True, max_tokens=tokens, **values))


def whole(server: Server, model: str, tokens: int, **values: Any) -> Call:
    return Call(server, chat_body(model, max_tokens=tokens, **values))


class Load:
    """Users that ask again and again, till the end; every second one streams, and each keeps all
    that it got."""

    def __init__(self, server: Server, models: Sequence[str], users: int, tokens: int) -> None:
        self._server, self._models, self._tokens = server, models, tokens
        self._over = threading.Event()
        self.calls: list[Call] = []
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(users)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(180)
            assert not thread.is_alive(), "a request hangs"

    def _ask(self, number: int) -> None:
        ask = stream if number % 2 else whole
        model = self._models[number // 2 % len(self._models)]
        while not self._over.is_set():
            call = ask(self._server, model, self._tokens)
            self.calls.append(call)
            call.join(150)

    def go_on(self, calls: int) -> None:
        """Wait until so many more have been answered."""
        before = self.answered
        wait_for(lambda: self.answered >= before + calls, f"{calls} more answers", 120)

    @property
    def answered(self) -> int:
        return sum(1 for call in self.calls if call.ended)

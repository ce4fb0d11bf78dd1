"""A replica worker in miniature: starts a real engine process and talks to it over its socket.

Blocking, for tests and for measuring by hand. Which interpreter runs an engine is said by the
environment: ``XPLATFORM_TEST_ENGINES`` is a folder with one virtual environment per engine,
called as the product calls them (``llama.cpp-2026.10.11549``). Without it they are looked for
where ``make test`` makes them.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import pytest

from xplatform.engines.protocol import (
    Abort,
    Adapter,
    Adapters,
    AskStats,
    Delta,
    Drain,
    Drained,
    Failed,
    Fault,
    FromEngine,
    Hello,
    Load,
    Progress,
    Pulse,
    Ready,
    Sampling,
    SetAdapters,
    Shutdown,
    Stats,
    Step,
    Submit,
    ToEngine,
    TokenLogprob,
    Usage,
)
from xplatform.engines.registry import ENGINES

ENGINES_VARIABLE = "XPLATFORM_TEST_ENGINES"
_ROOT = Path(__file__).resolve().parents[2]
_MAIN = _ROOT / "xplatform" / "engines" / "__main__.py"
_LENGTH = struct.Struct(">I")


def engine_python(name: str, *, optional: bool = False) -> str:
    """The interpreter of an engine's environment.

    Skips the test where none is set up; fails it where one was promised and is not there, but
    for ``optional`` engines, which not every run of the tests has.
    """
    entry = ENGINES[name]
    if entry.requirements is None:
        return sys.executable
    promised = os.environ.get(ENGINES_VARIABLE)
    folder = Path(promised) if promised else _ROOT / "build" / "test-home" / "engines"
    python = folder / f"{name}-{entry.version}" / "bin" / "python"
    if python.exists():
        return str(python)
    if promised and not optional:
        pytest.fail(f"{ENGINES_VARIABLE} is set, but there is no {python}")
    pytest.skip(f"there is no environment for {name}: {ENGINES_VARIABLE} may name their folder")


@dataclass
class Answer:
    """All deltas of a request, put together."""

    deltas: list[Delta] = field(default_factory=list)
    #: seconds from submit to the first delta, and to the last
    first: float = 0.0
    last: float = 0.0

    def text(self, index: int = 0) -> str:
        return "".join(delta.text for delta in self.deltas if delta.index == index)

    def reasoning(self, index: int = 0) -> str:
        return "".join(delta.reasoning for delta in self.deltas if delta.index == index)

    def finish(self, index: int = 0) -> str | None:
        said = [d.finish for d in self.deltas if d.index == index and d.finish is not None]
        # An abort ends the request, also where this choice of several had ended already.
        assert len([word for word in said if word != "abort"]) <= 1, f"finished twice: {said}"
        return said[-1] if said else None

    def tool_calls(self, index: int = 0) -> list[dict[str, str]]:
        calls: dict[int, dict[str, str]] = {}
        for delta in self.deltas:
            if delta.index != index:
                continue
            for piece in delta.tool_calls:
                call = calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
                call["id"] = piece.id or call["id"]
                call["name"] = piece.name or call["name"]
                call["arguments"] += piece.arguments
        return [calls[number] for number in sorted(calls)]

    @property
    def tokens(self) -> list[int]:
        return [token for delta in self.deltas for token in delta.tokens]

    @property
    def counted(self) -> int:
        return sum(len(delta.tokens) or delta.count for delta in self.deltas)

    @property
    def logprobs(self) -> list[TokenLogprob]:
        return [entry for delta in self.deltas for entry in delta.logprobs]

    @property
    def usage(self) -> Usage:
        usage = self.deltas[-1].usage
        assert usage is not None, "the last delta has no usage"
        return usage

    @property
    def fault(self) -> Fault | None:
        return self.deltas[-1].fault if self.deltas else None

    @property
    def result(self) -> dict[str, Any]:
        assert self.fault is None, self.fault
        result = self.deltas[-1].result
        assert result is not None
        return result


class EngineGone(Exception):
    """The engine process closed the connection."""


class EngineProcess:
    """An engine process and its socket. Use as a context manager."""

    def __init__(self, name: str, python: str, *, timeout: float = 60.0) -> None:
        self.timeout = timeout
        self.pulses: list[Pulse] = []
        self.progress: list[Progress] = []
        self.ready: Ready | None = None
        self.answers: dict[str, Answer] = {}
        self._began: dict[str, float] = {}
        self._over: set[str] = set()
        self._others: list[FromEngine] = []
        self._buffer = b""
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)
        self._folder = tempfile.mkdtemp(prefix="engine-")
        path = os.path.join(self._folder, "s")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(timeout)
        command = [python, "-P", str(_MAIN), name, path, str(os.getpid())]
        self.process = subprocess.Popen(command)
        try:
            self.socket, _ = listener.accept()
        finally:
            listener.close()
        self.socket.settimeout(timeout)
        hello = self.receive()
        assert isinstance(hello, Hello), hello
        self.hello = hello

    # -- messages -----------------------------------------------------------------------------

    def send(self, message: ToEngine) -> None:
        self.send_raw(self._encoder.encode(message))

    def send_raw(self, body: bytes) -> None:
        self.socket.sendall(_LENGTH.pack(len(body)) + body)

    def receive(self) -> FromEngine:
        head = self._read(4)
        return self._decoder.decode(self._read(_LENGTH.unpack(head)[0]))

    def _read(self, count: int) -> bytes:
        while len(self._buffer) < count:
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionError as error:
                raise EngineGone(str(error)) from error
            if not data:
                raise EngineGone("the engine closed the connection")
            self._buffer += data
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def pump(self) -> FromEngine:
        """Take one message and book it."""
        message = self.receive()
        match message:
            case Step(deltas=deltas):
                now = time.monotonic()
                for delta in deltas:
                    self._book(delta, now)
            case Pulse():
                self.pulses.append(message)
            case Progress():
                self.progress.append(message)
            case _:
                self._others.append(message)
        return message

    def _book(self, delta: Delta, now: float) -> None:
        assert delta.rid not in self._over, f"{delta.rid} goes on after its end: {delta}"
        answer = self.answers[delta.rid]
        began = self._began[delta.rid]
        if not answer.deltas:
            answer.first = now - began
        answer.deltas.append(delta)
        if delta.done or delta.fault is not None:
            answer.last = now - began
            self._over.add(delta.rid)

    def wait_for(self, kind: type[Any]) -> Any:
        while True:
            for message in self._others:
                if isinstance(message, kind):
                    self._others.remove(message)
                    return message
            self.pump()

    # -- verbs --------------------------------------------------------------------------------

    def load(self, model_path: str | Path, **fields: Any) -> Ready | Failed:
        self.send(Load(str(model_path), **fields))
        while True:
            message = self.pump()
            if isinstance(message, Ready | Failed):
                self._others.clear()
                self.ready = message if isinstance(message, Ready) else None
                return message

    def submit(
        self,
        rid: str,
        kind: str,
        payload: dict[str, Any],
        sampling: Sampling | None = None,
        **fields: Any,
    ) -> Answer:
        """Start a job; its answer fills while other calls pump messages."""
        self._over.discard(rid)
        answer = self.answers[rid] = Answer()
        self._began[rid] = time.monotonic()
        self.send(Submit(rid, kind, payload, sampling or Sampling(), **fields))
        return answer

    def finish(self, *rids: str) -> None:
        while not self._over.issuperset(rids):
            self.pump()

    def ask(
        self,
        kind: str,
        payload: dict[str, Any],
        sampling: Sampling | None = None,
        **fields: Any,
    ) -> Answer:
        """Submit and wait for the end."""
        rid = f"ask-{len(self.answers)}"
        answer = self.submit(rid, kind, payload, sampling, **fields)
        self.finish(rid)
        return answer

    def chat(self, text: str, sampling: Sampling | None = None, **payload: Any) -> Answer:
        messages = [{"role": "user", "content": text}]
        return self.ask("chat", {"messages": messages, **payload}, sampling)

    def abort(self, *rids: str) -> None:
        self.send(Abort(rids))

    def stats(self) -> dict[str, float]:
        self.send(AskStats())
        message: Stats = self.wait_for(Stats)
        return message.values

    def set_adapters(self, *adapters: Adapter) -> Adapters:
        self.send(SetAdapters(adapters))
        answer: Adapters = self.wait_for(Adapters)
        return answer

    def drain(self) -> None:
        self.send(Drain())
        self.wait_for(Drained)

    def messages_for(self, seconds: float) -> Iterator[FromEngine]:
        """What comes within a time."""
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self.socket.settimeout(left)
                try:
                    yield self.pump()
                except TimeoutError:
                    return
        finally:
            self.socket.settimeout(self.timeout)

    def shutdown(self) -> int:
        self.send(Shutdown())
        return self.process.wait(self.timeout)

    def close(self) -> None:
        self.socket.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

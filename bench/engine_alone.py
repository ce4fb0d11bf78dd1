"""An engine process without any server: what the engine itself takes."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec

import xplatform.engines
from xplatform.engines.protocol import (
    FromEngine,
    Hello,
    Load,
    Message,
    Pulse,
    Ready,
    Sampling,
    Shutdown,
    Step,
    Submit,
)

M = TypeVar("M", bound=Message)
_ENTRY = Path(xplatform.engines.__file__).with_name("__main__.py")
_LENGTH = struct.Struct(">I")


class EngineAlone:
    """Speaks the engine protocol over the socket as a replica would, but blocking."""

    def __init__(self, engine: str, python: str, load: Load) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="xp-bench-")
        path = str(Path(self._folder.name) / "engine.sock")
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(30)
            self._process = subprocess.Popen(
                [python, "-P", str(_ENTRY), engine, path, str(os.getpid())],
                stdin=subprocess.DEVNULL,
            )
            self._socket, _ = listener.accept()
        self._socket.settimeout(60)
        self._file = self._socket.makefile("rb")
        self._count = 0
        self._expect(Hello)
        self._send(load)
        self._expect(Ready)

    def __enter__(self) -> EngineAlone:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._send(Shutdown())
        self._process.wait(10)
        self._socket.close()
        self._folder.cleanup()

    def first_text(self, payload: dict[str, Any], tokens: int) -> float:
        """Seconds to the first text of one chat; it is then read to its end."""
        self._count += 1
        job = Submit(f"alone-{self._count}", "chat", payload, Sampling(max_tokens=tokens))
        began = time.perf_counter()
        self._send(job)
        first = 0.0
        while True:
            step = self._expect(Step)
            if not first and any(delta.text for delta in step.deltas):
                first = time.perf_counter() - began
            if any(delta.done or delta.fault for delta in step.deltas):
                return first

    def _send(self, message: Message) -> None:
        body = self._encoder.encode(message)
        self._socket.sendall(_LENGTH.pack(len(body)) + body)

    def _expect(self, kind: type[M]) -> M:
        while True:
            (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
            message = self._decoder.decode(self._file.read(length))
            if isinstance(message, kind):
                return message
            if not isinstance(message, Pulse | Step) and type(message).__name__ != "Progress":
                raise RuntimeError(f"the engine said {message!r}")

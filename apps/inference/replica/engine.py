"""One engine process, seen from its replica: start, messages, watchdog, end."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

import xplatform.engines
from xplatform.core.config import Settings
from xplatform.engines.protocol import (
    MAX_MESSAGE_BYTES,
    PROTOCOL_VERSION,
    Adapter,
    Adapters,
    Drained,
    Failed,
    FromEngine,
    Hello,
    Load,
    Message,
    Progress,
    Pulse,
    Ready,
    SetAdapters,
    Shutdown,
    Stats,
    Step,
)

log = logging.getLogger(__name__)

_LENGTH = struct.Struct(">I")
_ENTRY = Path(xplatform.engines.__file__).with_name("__main__.py")
_CHECK_SECONDS = 0.25
#: an engine that was told to shut down gets this long to free its memory
_SHUTDOWN_SECONDS = 3.0


class EngineDied(Exception):
    """The engine process is gone or was ended by the watchdog; the text is the reason. ``final``:
    it refused the model or an option in order, so another try would end the same way."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class EngineProcess:
    """Lives in one event loop. ``load`` returns when the engine is ready; then ``on_step`` is
    called for each frame until ``wait_end`` returns the reason of its end."""

    def __init__(
        self,
        engine: str,
        python: str,
        socket_path: Path,
        settings: Settings,
        on_step: Callable[[Step], None],
        on_progress: Callable[[str, float, str], None],
    ) -> None:
        self._engine = engine
        self._python = python
        self._socket_path = socket_path
        self._settings = settings
        self._on_step = on_step
        self._on_progress = on_progress
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[Ready] = self._loop.create_future()
        self._end: asyncio.Future[str] = self._loop.create_future()
        self._drained = asyncio.Event()
        self._adapters: asyncio.Future[Adapters] | None = None
        self._heard = time.monotonic()
        self._advanced = time.monotonic()
        self._steps = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._verdict = ""
        self._refused = False
        self.last_lines: collections.deque[str] = collections.deque(maxlen=30)

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    async def load(self, load: Load) -> Ready:
        """Start the process and load the model; raises EngineDied."""
        with contextlib.suppress(FileNotFoundError):
            self._socket_path.unlink()
        self._load = load
        server = await asyncio.start_unix_server(
            self._connected, str(self._socket_path), limit=1 << 20
        )
        try:
            self._start_process()
            self._spawn(self._watch())
            done, _ = await asyncio.wait(
                (self._ready, self._end), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            server.close()
            with contextlib.suppress(FileNotFoundError):
                self._socket_path.unlink()
        if self._ready in done:
            return self._ready.result()
        raise EngineDied(self._end.result(), final=self._refused)

    def _start_process(self) -> None:
        # The parent-death signal is tied to this thread, the core's event loop, which lives as
        # long as the process.
        environ = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTHON", "DJANGO", "XPLATFORM", "VIRTUAL_ENV"))
        }
        environ["PYTHONUNBUFFERED"] = "1"
        environ["XPLATFORM_LOG_LEVEL"] = self._settings.log_level
        # Idle threads of OpenMP must sleep: spinning ones make every other process slow.
        environ.setdefault("OMP_WAIT_POLICY", "passive")
        self._process = subprocess.Popen(
            [
                self._python,
                "-P",
                str(_ENTRY),
                self._engine,
                str(self._socket_path),
                str(os.getpid()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )
        self._spawn(self._copy_output())

    async def _copy_output(self) -> None:
        """The engine's words go to our stderr; the last ones are kept as the reason of its end."""
        assert self._process is not None and self._process.stdout is not None
        reader = asyncio.StreamReader(limit=1 << 16)
        transport, _ = await self._loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._process.stdout
        )
        try:
            while True:
                try:
                    line = await reader.readline()
                except ValueError:  # a line longer than the limit
                    continue
                if not line:
                    return
                text = line.decode(errors="replace").rstrip()
                if text:
                    self.last_lines.append(text[:500])
                    print(f"[{self._engine}] {text}", file=sys.stderr, flush=True)
        finally:
            transport.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:
            writer.close()
            return
        self._writer = writer
        try:
            while True:
                header = await reader.readexactly(_LENGTH.size)
                (length,) = _LENGTH.unpack(header)
                if length > MAX_MESSAGE_BYTES:
                    raise EngineDied(f"sent a message of {length} bytes, which is none of ours")
                message = self._decoder.decode(await reader.readexactly(length))
                self._heard = time.monotonic()
                self._handle(message)
        except EngineDied as error:
            self._verdict = self._verdict or str(error)
        except msgspec.DecodeError as error:
            self._verdict = self._verdict or f"sent what is no message: {error}"
        except (asyncio.IncompleteReadError, ConnectionError, OSError):
            pass
        except Exception as error:
            log.exception("a message of the engine could not be handled")
            self._verdict = self._verdict or f"a message could not be handled: {error!r}"
        finally:
            await self._finish()

    def _handle(self, message: FromEngine) -> None:
        match message:
            case Step():
                self._advanced = self._heard
                self._on_step(message)
            case Pulse():
                if message.steps != self._steps or not message.running:
                    self._advanced = self._heard
                self._steps = message.steps
            case Hello():
                if message.protocol != PROTOCOL_VERSION:
                    raise EngineDied(
                        f"speaks version {message.protocol} of the protocol, "
                        f"this server {PROTOCOL_VERSION}: run 'xplatform engine install' again"
                    )
                self.send(self._load)
            case Progress():
                self._advanced = self._heard
                self._on_progress(message.stage, message.fraction, message.message)
            case Ready():
                self._advanced = self._heard
                if not self._ready.done():
                    self._ready.set_result(message)
            case Failed():
                self._verdict = message.fault.message
                self._refused = message.fault.code in ("invalid", "unsupported")
            case Adapters():
                if self._adapters is not None and not self._adapters.done():
                    self._adapters.set_result(message)
            case Drained():
                self._drained.set()
            case Stats():
                pass

    def send(self, message: Message) -> None:
        if self._writer is None or self._writer.is_closing():
            return
        body = self._encoder.encode(message)
        self._writer.write(_LENGTH.pack(len(body)) + body)

    async def set_adapters(self, adapters: Sequence[Adapter]) -> Adapters | None:
        """One call at a time. None: the engine ended before it answered."""
        self._adapters = self._loop.create_future()
        self.send(SetAdapters(tuple(adapters)))
        await asyncio.wait((self._adapters, self._end), return_when=asyncio.FIRST_COMPLETED)
        return self._adapters.result() if self._adapters.done() else None

    async def _watch(self) -> None:
        """End an engine that froze (no sign of life), stalled (work, but no steps), or exited
        without ever connecting."""
        assert self._process is not None
        settings = self._settings
        while not self._end.done():
            await asyncio.sleep(_CHECK_SECONDS)
            now = time.monotonic()
            if self._writer is None and self._process.poll() is not None:
                await self._finish()
            elif self._ready.done():
                if now - self._heard > settings.engine_silence_timeout:
                    self.kill(f"gave no sign of life for {now - self._heard:.0f} s")
                elif now - self._advanced > settings.engine_stall_timeout:
                    self.kill(f"made no step for {now - self._advanced:.0f} s with work at hand")
            elif now - self._advanced > settings.load_timeout:
                self.kill(f"made no progress in loading for {now - self._advanced:.0f} s")

    def kill(self, reason: str) -> None:
        if not self._verdict:
            self._verdict = reason
        log.error("engine %s (pid %d): %s", self._engine, self.pid, reason)
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        """To the whole group: engines have helper processes."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _finish(self) -> None:
        """The connection is closed or the process is gone: make sure of the latter, say why."""
        if self._end.done() or self._process is None:
            return
        if self._writer is not None:
            self._writer.close()
        deadline = time.monotonic() + (0.05 if self._verdict else 1.0)
        while self._process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        self._signal(signal.SIGKILL)
        while self._process.poll() is None:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)  # the last lines of output
        if not self._end.done():
            self._end.set_result(self._reason(self._process.returncode))

    def _reason(self, code: int) -> str:
        if self._verdict:
            return self._verdict
        if code == -signal.SIGKILL:
            said = "was killed (signal 9; if nobody did, the machine ran out of memory)"
        elif code < 0:
            with contextlib.suppress(ValueError):
                return f"ended by {signal.Signals(-code).name}{self._tail()}"
            said = f"ended by signal {-code}"
        else:
            said = f"exited with code {code}"
        return said + self._tail()

    def _tail(self) -> str:
        # What it says of every start tells nothing of this end.
        lines = [line for line in self.last_lines if " INFO engines." not in line][-5:]
        return "; its last words: " + " | ".join(lines) if lines else ""

    async def wait_end(self) -> str:
        """The reason of the engine's end."""
        return await asyncio.shield(self._end)

    async def stop(self) -> None:
        """Shut down in order, by force when that takes too long."""
        if self._process is None:
            return
        self._verdict = self._verdict or "was shut down"
        self.send(Shutdown())
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.wait_end(), _SHUTDOWN_SECONDS)
        self._signal(signal.SIGKILL)
        await self._finish()
        for task in self._tasks:
            task.cancel()

    def _spawn(self, coroutine: collections.abc.Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

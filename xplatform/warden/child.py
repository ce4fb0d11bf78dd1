"""One child process of the warden: started, heard, signalled, reaped."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xplatform
from xplatform.core.config import PREFIX, Settings
from xplatform.core.logs import FOLDER_VARIABLE, OUTPUT_NAME, OutputFile, make_folder

#: the pid of the warden, by which a child ties itself to it
PARENT_VARIABLE = PREFIX + "PARENT"

#: in ``<home>/run``, mode 0600
SETTINGS_NAME = "settings.json"

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc: Any = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def python_command(*arguments: str) -> list[str]:
    """Command line of one of our own programs."""
    return [sys.executable, "-m", "xplatform", *arguments]


def child_environment(settings: Settings) -> dict[str, str]:
    """Environment of all children: the settings by a file, so that no secret is in it."""
    ours = {PREFIX + name.upper() for name in Settings.__struct_fields__} | {PREFIX + "CONFIG"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {
        PREFIX + "SETTINGS": str(settings.run_path / SETTINGS_NAME),
        PREFIX + "HOME": str(settings.home_path),
        PARENT_VARIABLE: str(os.getpid()),
        # Names of Python files in the folder where somebody typed "serve" must not matter.
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }
    root = str(Path(xplatform.__file__).parents[1])
    if not root.endswith(("site-packages", "dist-packages")):
        # A checkout that is run without being installed.
        rest = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = f"{root}{os.pathsep}{rest}" if rest else root
    return environment


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies, so that none escapes."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _tie() -> None:
    """Between fork and exec: the kernel kills the child when the warden dies.

    The signal is tied to the thread that forked; the warden has one thread only.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Child:
    """A process, from its start until it is forgotten."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        pass_fds: Sequence[int] = (),
        on_line: Callable[[str], None] | None = None,
        keep_stdout: bool = False,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.environment = environment
        self.pass_fds = pass_fds
        self.on_line = on_line
        #: stdout is an answer (of at most 64 KiB, which a pipe holds) and may be secret: it is
        #: kept here once the child has ended and goes to no file
        self.keep_stdout = keep_stdout
        self.stdout = b""
        self.pid = 0
        self.running = False
        self.started = 0.0
        self.ended = 0.0
        self.exit_code: int | None = None
        #: set when its end was asked for
        self.stopping = False
        self.gone = asyncio.Event()
        self._kill_timer: asyncio.TimerHandle | None = None
        self._pipe = -1
        self._output: OutputFile | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, settings: Settings) -> None:
        """Raises OSError when there is no such program."""
        folder = make_folder(self.name, settings)
        self._output = OutputFile(folder / OUTPUT_NAME, settings.log_max_mb * 1024 * 1024)
        read, write = os.pipe()
        try:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.keep_stdout else write,
                stderr=write,
                env={**self.environment, FOLDER_VARIABLE: str(folder)},
                pass_fds=tuple(self.pass_fds),
                # A terminal's Ctrl-C is for the warden, which stops its children in order.
                start_new_session=True,
                # Safe here: one thread.
                preexec_fn=_tie if _libc is not None else None,  # noqa: PLW1509
            )
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        self.pid = self._process.pid
        self.running = True
        self.started = time.time()
        os.set_blocking(read, False)
        self._pipe = read
        asyncio.get_running_loop().add_reader(read, self._hear)

    @property
    def last_lines(self) -> list[str]:
        return list(self._output.last_lines) if self._output else []

    @property
    def lifetime(self) -> float:
        return (self.ended or time.time()) - self.started

    def describe_end(self) -> str:
        """ "killed by SIGKILL", "ended with code 1"."""
        code = self.exit_code
        if code is not None and code < 0:
            try:
                return f"killed by {signal.Signals(-code).name}"
            except ValueError:
                return f"killed by signal {-code}"
        return f"ended with code {code}"

    def send(self, sig: signal.Signals) -> None:
        if self.running:
            os.kill(self.pid, sig)

    def stop(self, grace: float) -> None:
        """Ask it to end, and end it after ``grace`` seconds; returns at once."""
        self.stopping = True
        self.send(signal.SIGTERM)
        if self._kill_timer is not None:
            self._kill_timer.cancel()
        loop = asyncio.get_running_loop()
        self._kill_timer = loop.call_later(max(0.0, grace), self.kill)

    def kill(self) -> None:
        """The process and whatever it left in its session's group."""
        self.stopping = True
        if self.running:
            os.killpg(self.pid, signal.SIGKILL)

    def reaped(self, exit_code: int) -> None:
        """The warden got its exit status; it must have killed the group before."""
        assert self._process is not None and self._output is not None
        # Popen would otherwise try to reap it itself and complain.
        self._process.returncode = exit_code
        self.exit_code = exit_code
        self.ended = time.time()
        self.running = False
        if self._kill_timer is not None:
            self._kill_timer.cancel()
        self._hear(last=True)
        if (stdout := self._process.stdout) is not None:
            os.set_blocking(stdout.fileno(), False)
            self.stdout = stdout.read() or b""
            stdout.close()
        self.gone.set()

    def _hear(self, *, last: bool = False) -> None:
        if self._pipe < 0 or self._output is None:
            return
        while True:
            try:
                data = os.read(self._pipe, 65536)
            except BlockingIOError:
                break
            if not data:
                last = True
                break
            self._tell(self._output.write(data))
            if not last:
                # One read a turn: a child that never stops writing must not stop the warden.
                return
        if last:
            asyncio.get_running_loop().remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
            self._tell(self._output.close())

    def _tell(self, lines: list[str]) -> None:
        if self.on_line is not None:
            for line in lines:
                self.on_line(line)

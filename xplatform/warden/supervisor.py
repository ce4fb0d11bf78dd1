"""Keeps a set of processes running, and ends them in order.

One thread, one event loop, no Django and no Celery: little that can fail, little to carry.

- A *service* (broker, web, control, node agent) that ends is started again, at once the first
  time and then ever later; one that cannot stay up stops the whole server with its last words.
  It can be restarted on demand (``restarts.py``).
- A *replica* is started and stopped on the node agent's word (``control_socket.py``) and never
  restarted from here.
- Everything below the warden ends with it: the kernel kills its children when it dies, and
  grandchildren that lose their parent become its own and are killed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xplatform.core.config import Settings, save_settings
from xplatform.warden import control_socket
from xplatform.warden.child import SETTINGS_NAME, Child, adopt_orphans, child_environment
from xplatform.warden.console import Console
from xplatform.warden.restarts import Restarts

logger = logging.getLogger(__name__)

#: a service that ran this long was healthy
HEALTHY_SECONDS = 10.0
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
#: short lives in a row after which a service is given up
GIVE_UP_AFTER = 10
#: the same before the server was ready: most likely a mistake in the settings
GIVE_UP_AT_START = 3
#: lines a service may put on the console in ten seconds
ECHO_LINES = 20
#: from the order to stop to the last SIGKILL, beyond the time to drain
STOP_SECONDS = 1.3
STOP_AT_MOST = 9.3


@dataclass
class Service:
    """A process that is kept running."""

    name: str
    #: called before each start; the command line
    prepare: Callable[[], list[str]]
    pass_fds: Sequence[int] = ()
    #: what it writes to stderr (warnings and errors) is shown on the console
    echo: bool = True
    child: Child | None = None
    failures: int = 0
    echoed: list[float] = field(default_factory=list)


class Supervisor:
    def __init__(self, settings: Settings, console: Console) -> None:
        self.settings = settings
        self.console = console
        self.environment = child_environment(settings)
        self.services: dict[str, Service] = {}
        self.replicas = control_socket.Replicas(self._start_replica)
        #: why the server gave up
        self.failure: str | None = None
        #: set by a signal or by giving up
        self.stop_asked = asyncio.Event()
        self.ready = False
        #: tasks that live as long as the server
        self.background: list[asyncio.Task[None]] = []
        self._hurry = asyncio.Event()
        self._stopping = False
        self._by_pid: dict[int, Child] = {}

    async def open(self) -> None:
        """Take over signals and orphans, and listen for the node agent."""
        loop = asyncio.get_running_loop()
        adopt_orphans()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        signals = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            # Else it was started by nohup, to outlive its terminal.
            signals.append(signal.SIGHUP)
        for sig in signals:
            loop.add_signal_handler(sig, self._signalled)
        services = control_socket.Services(
            lambda: list(self.services),
            Restarts(self.services, self.settings.drain_timeout + STOP_SECONDS),
            lambda why: self.fail(why) if why else self.stop_asked.set(),
        )
        self._control = await control_socket.serve(
            self.settings.sockets_path / "warden.sock", self.replicas, services
        )

    def start(self, service: Service) -> None:
        """Start a service and keep it running; OSError if its program is missing."""
        self.services[service.name] = service
        service.child = self._spawn(
            Child(
                service.name,
                service.prepare(),
                self.environment,
                pass_fds=service.pass_fds,
                on_line=lambda line: self._echo(service, line),
            )
        )

    async def run_once(self, name: str, argv: list[str]) -> Child:
        """Run a program to its end; its stdout is an answer."""
        child = self._spawn(Child(name, argv, self.environment, keep_stdout=True))
        await child.gone.wait()
        return child

    def fail(self, reason: str) -> None:
        """Stop the server, for this reason."""
        if self.failure is None:
            self.failure = reason
            logger.error("%s", reason)
        self.stop_asked.set()

    async def stop(self, broker: str, webs: Iterable[str]) -> None:
        """Drain and end: web processes, then replicas and workers, the broker last."""
        self._stopping = True
        self.replicas.closed = True
        self._control.close()
        began = time.monotonic()
        drain = self.settings.drain_timeout
        deadline = began + max(STOP_AT_MOST, drain + STOP_SECONDS)
        first = [self.services[name].child for name in webs if name in self.services]
        last = self.services[broker].child if broker in self.services else None
        await self._end([child for child in first if child], began + drain)
        # A web process that still drains ends now by itself; the rest goes along.
        await self._end([c for c in self._by_pid.values() if c is not last], deadline)
        for child in self._by_pid.values():
            if child is not last:
                child.kill()
        await self._end([last] if last else [], time.monotonic() + 0.4)
        for child in self._by_pid.values():
            child.kill()
        await self._gone(list(self._by_pid.values()), 0.3, hurried=True)
        self._kill_strays()
        for task in self.background:
            task.cancel()

    def _signalled(self) -> None:
        if self.stop_asked.is_set():
            self._hurry.set()
        self.stop_asked.set()

    def _spawn(self, child: Child) -> Child:
        # Written anew, should somebody have tidied up: a child does not start without.
        save_settings(self.settings, self.settings.run_path / SETTINGS_NAME)
        child.start(self.settings)
        self._by_pid[child.pid] = child
        logger.info("%s started, process %d", child.name, child.pid)
        return child

    def _start_replica(self, name: str, argv: list[str], env: dict[str, str]) -> Child:
        return self._spawn(Child(name, argv, {**self.environment, **env}))

    def _reap(self) -> None:
        """SIGCHLD: signals of several children may have become one."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if (child := self._by_pid.pop(pid, None)) is None:
                continue
            try:
                # What it started and did not end.
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            child.reaped(os.waitstatus_to_exitcode(status))
            self._ended(child)
        self._kill_strays()

    def _ended(self, child: Child) -> None:
        asked = child.stopping or self._stopping
        logger.log(
            logging.INFO if asked or child.exit_code == 0 else logging.WARNING,
            "%s (process %d) %s", child.name, child.pid, child.describe_end(),
        )  # fmt: skip
        service = self.services.get(child.name)
        if service is None or service.child is not child or self._stopping:
            return
        if child.stopping:
            # Somebody wanted a new one.
            asyncio.get_running_loop().call_soon(self._restart, service)
            return
        service.failures = 1 if child.lifetime >= HEALTHY_SECONDS else service.failures + 1
        if service.failures >= (GIVE_UP_AFTER if self.ready else GIVE_UP_AT_START):
            self.fail(f"{child.name} does not stay up ({child.describe_end()})." + _tail(child))
            return
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (service.failures - 1))
        self.console.say(f"{child.name} {child.describe_end()}; it is started again.")
        asyncio.get_running_loop().call_later(delay, self._restart, service)

    def _restart(self, service: Service) -> None:
        if self._stopping:
            return
        try:
            self.start(service)
        except Exception as error:
            self.fail(f"{service.name} cannot be started: {error}")

    def _kill_strays(self) -> None:
        """Grandchildren that came to us because their parent died."""
        for tasks in Path("/proc/self/task").glob("*/children"):
            try:
                pids = [int(pid) for pid in tasks.read_text().split()]
            except OSError:
                continue
            for pid in pids:
                if pid not in self._by_pid:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass

    def _echo(self, service: Service, line: str) -> None:
        if not service.echo or self._stopping or not line.strip():
            return
        now = time.monotonic()
        service.echoed = [at for at in service.echoed if now - at < 10]
        if len(service.echoed) < ECHO_LINES:
            service.echoed.append(now)
            self.console.say(f"{service.name}: {line}")

    async def _end(self, children: list[Child], deadline: float) -> None:
        seconds = deadline - time.monotonic()
        for child in children:
            if not child.stopping:
                child.stopping = True
                child.send(signal.SIGTERM)
        await self._gone(children, seconds)

    async def _gone(self, children: list[Child], seconds: float, *, hurried: bool = False) -> None:
        """Wait until all are gone, time is up, or somebody is in a hurry."""
        if not any(child.running for child in children):
            return

        async def all_gone() -> None:
            for child in children:
                await child.gone.wait()

        async def hurry() -> None:
            if hurried:
                await asyncio.Event().wait()
            await self._hurry.wait()

        waiting = [asyncio.ensure_future(all_gone()), asyncio.ensure_future(hurry())]
        await asyncio.wait(waiting, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _tail(child: Child) -> str:
    lines = child.last_lines[-12:]
    return "" if not lines else " Its last lines:\n" + "\n".join("  " + line for line in lines)

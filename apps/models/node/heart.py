"""The node's heartbeat, and the watch over its replicas: an end is told within milliseconds."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import msgspec
import psutil

from apps.models.node.agent import Agent
from apps.models.node.membership import Membership
from apps.models.reports import Heartbeat, Listed
from xplatform import environments
from xplatform.core.config import Settings
from xplatform.core.queues import CONTROL, TASK_HEARTBEAT
from xplatform.core.sender import TaskSender
from xplatform.devices.cpu import usable_cpus
from xplatform.warden.client import WardenError

log = logging.getLogger(__name__)

_EVERY = 1.0
#: a heartbeat that nobody has taken by then says nothing any more
_EXPIRES = 10.0
#: environments come and go rarely, and looking costs a file each
_ENGINES_EVERY = 10.0
_FILES_EVERY = 10.0
#: between a process' end and the warden's knowledge of its exit code
_REAP_SECONDS = 1.0


class Heart:
    """One thread. Sending never blocks (``TaskSender``), and while the broker is away nothing is
    sent at all, so no heap of old heartbeats follows."""

    def __init__(
        self,
        agent: Agent,
        sender: TaskSender,
        settings: Settings,
        files: Callable[[], dict[str, Any]] | None = None,
        membership: Membership | None = None,
    ) -> None:
        """``files``: what there is to tell of downloads and the cache, whether new or not."""
        self._agent = agent
        self._sender = sender
        self._settings = settings
        self._files = files
        self._membership = membership
        self._files_told: tuple[float, dict[str, Any]] = (-_FILES_EVERY, {})
        self._labels = settings.labels
        self._cpus = usable_cpus()
        self._engines: dict[str, str] = {}
        self._engines_seen = -_ENGINES_EVERY
        self._address = socket.gethostname()
        self._version = version()
        self._complained = False
        self._watched: dict[int, int] = {}
        self._stopped = False

    def start(self) -> None:
        threading.Thread(target=self._run, name="heart", daemon=True).start()

    def stop(self) -> None:
        """With the next beat."""
        self._stopped = True
        self._agent.changed.ring()

    def beat(self) -> list[Listed]:
        """Tell ends, then send the heartbeat; the processes that run."""
        # Before looking: an order that comes meanwhile is not in the list, and its report is newer.
        taken = time.time()
        items = self._agent.listing()
        self._agent.tell_ends(items)
        self._agent.end_frozen(items)
        beat = Heartbeat(
            node=self._agent.name,
            time=taken,
            devices=self._picture(),
            replicas=items,
            version=self._version,
            address=self._address,
            labels=self._labels,
            engines=self._installed(),
            files=self._news_of_files(),
            instance=self._agent.instance,
        )
        if self._sender.connected or self._sender.flush(0):
            payload = msgspec.to_builtins(beat)
            self._sender.send(TASK_HEARTBEAT, CONTROL, payload, expires=_EXPIRES)
        elif self._membership is not None:
            self._membership.check()
        return [item for item in items if item.running]

    def _picture(self) -> dict[str, Any]:
        memory = psutil.virtual_memory()
        return {
            # With all fields: people read them as they are.
            "devices": [msgspec.structs.asdict(d) for d in self._agent.inventory.devices()],
            "cpus": self._cpus,
            "memory_total": memory.total,
            "memory_available": memory.available,
            # Whether or not the processor is among the devices. (Not `cpu_percent`, which tells
            # whoever asks the time since anybody asked: the inventory does.)
            "cpu_percent": round(100.0 - psutil.cpu_times_percent(None).idle, 1),
        }

    def _news_of_files(self) -> dict[str, Any]:
        """Empty: as before. Repeated from time to time, since a heartbeat may get lost."""
        if self._files is None:
            return {}
        at, last = self._files_told
        now, files = time.monotonic(), self._files()
        if files == last and now - at < _FILES_EVERY:
            return {}
        self._files_told = (now, files)
        return files

    def _installed(self) -> dict[str, str]:
        """Engines that can start without an installation, with their versions."""
        if time.monotonic() - self._engines_seen > _ENGINES_EVERY:
            self._engines_seen = time.monotonic()
            found = environments.environments(self._settings)
            self._engines = {e.name: e.version for e in found if e.state in ("ready", "built in")}
        return self._engines

    def _run(self) -> None:
        with contextlib.suppress(WardenError):
            self._agent.tidy()
        while not self._stopped:
            began = time.monotonic()
            try:
                running = self.beat()
                self._complained = False
                self._watch(running, began + _EVERY)
            except WardenError as error:
                if not self._complained:
                    log.error("no heartbeat: %s", error)
                self._complained = True
                time.sleep(_EVERY)
            except Exception:
                log.exception("heartbeat")
                time.sleep(_EVERY)

    def _watch(self, running: list[Listed], until: float) -> None:
        """Wait for the next heartbeat's time; end earlier when a replica ended or was started."""
        bell = self._agent.changed
        poll = select.poll()
        poll.register(bell.handle, select.POLLIN)
        if sys.platform == "linux":
            if not self._open({item.pid for item in running if item.pid}):
                return
            for handle in self._watched.values():
                poll.register(handle, select.POLLIN)
        else:
            until = min(until, time.monotonic() + 0.25)
        events = poll.poll(max(0.0, until - time.monotonic()) * 1000)
        bell.silence()
        if any(handle != bell.handle for handle, _ in events):
            self._await_reaping()

    def _open(self, pids: set[int]) -> bool:
        """A handle for each process, which becomes readable when it ends. False: one has ended
        already."""
        for pid in self._watched.keys() - pids:
            os.close(self._watched.pop(pid))
        for pid in pids - self._watched.keys():
            try:
                self._watched[pid] = os.pidfd_open(pid)
            except ProcessLookupError:
                return False
        return True

    def _await_reaping(self) -> None:
        """The kernel tells us and the warden at the same moment; it may be busy."""
        deadline = time.monotonic() + _REAP_SECONDS
        gone = {pid for pid, handle in self._watched.items() if _readable(handle)}
        while time.monotonic() < deadline:
            if not gone & {child.pid for _, child in self._agent.children() if child.running}:
                return
            time.sleep(0.01)


def _readable(handle: int) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(0))


def version() -> str:
    try:
        return metadata.version("xplatform")
    except metadata.PackageNotFoundError:
        return "0"

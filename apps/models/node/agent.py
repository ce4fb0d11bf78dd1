"""The node agent: does the control plane's orders on this machine and tells what happens here.

It keeps hardly any state: the warden owns the processes, so a new agent finds all of them there.
Orders may come twice, late, or in the wrong order (an end before its beginning); each replica's
id and epoch tell. No Django, no database.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from apps.models.node.environment import replica_environment
from apps.models.node.memory import Meter, Taken
from apps.models.node.preparation import Cancelled, CannotPrepare, prepare, spec_path
from apps.models.reports import Listed, ReplicaSpec, Report
from xplatform.core.config import Settings, secret
from xplatform.core.queues import CONTROL, TASK_OBSERVE
from xplatform.core.sender import TaskSender
from xplatform.devices import Inventory
from xplatform.warden.client import ChildReport, WardenClient, WardenError

log = logging.getLogger(__name__)

#: from the end of the time to drain to SIGKILL
_GRACE = 1.5
#: ended or cancelled replicas that are remembered, so that a late order does not start them
_REMEMBERED = 10_000
#: progress is told no more often than this
_PROGRESS_EVERY = 0.25

Key = tuple[str, int]
State = Literal["starting", "stopped", "failed"]


@dataclass
class Preparation:
    cancelled: threading.Event = field(default_factory=threading.Event)


class Agent:
    """Thread-safe: orders come on the threads of a Celery worker."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        sender: TaskSender,
        warden: WardenClient,
        inventory: Inventory | None = None,
    ) -> None:
        self.name = name
        #: of this home: tells two machines apart that go by one name
        self.instance = hashlib.sha256(secret("node", settings).encode()).hexdigest()[:16]
        self.inventory = inventory or Inventory(settings.devices)
        self.memory = Meter(self.inventory)
        self._settings = settings
        self._sender = sender
        self._warden = warden
        self._lock = threading.Lock()
        self._preparing: dict[Key, Preparation] = {}
        #: could not be prepared: listed until the control plane has noticed
        self._refused: dict[Key, tuple[str, bool]] = {}
        #: asked to end; the time (monotonic) by which the warden was told to kill it, if it was
        self._stops: OrderedDict[Key, float | None] = OrderedDict()
        #: ends that were reported
        self._told: set[str] = set()
        #: what running replicas were given
        self._devices: dict[Key, list[str]] = {}
        #: there is a new process to watch
        self.changed = Bell()

    # --- orders ------------------------------------------------------------------------------

    def start_replica(self, raw: Mapping[str, Any]) -> None:
        try:
            spec = msgspec.convert(raw, ReplicaSpec)
        except msgspec.ValidationError as error:
            log.error("an order to start a replica makes no sense: %s", error)
            return
        key = (spec.replica_id, spec.epoch)
        with self._lock:
            if key in self._stops or key in self._preparing or key in self._refused:
                return
            preparation = self._preparing[key] = Preparation()
        if self._is_there(key):
            with self._lock:
                del self._preparing[key]
            return
        self._report(key, "starting")
        # Not on the worker's thread: an installation takes minutes, other orders must get through.
        threading.Thread(
            target=self._start, args=(spec, preparation), name=child_name(key), daemon=True
        ).start()

    def stop_replica(self, replica_id: str, epoch: int, drain: float) -> None:
        """Also the answer to a replica that nobody counts on: then it is forgotten as well."""
        key = (replica_id, epoch)
        with self._lock:
            self._stops.setdefault(key, None)
            while len(self._stops) > _REMEMBERED:
                self._stops.popitem(last=False)
            self._refused.pop(key, None)
            preparation = self._preparing.get(key)
        if preparation is not None:
            preparation.cancelled.set()
            return
        try:
            self._stop_process(key, drain)
        except WardenError as error:
            # It ended meanwhile, or the warden is away: the order comes again if it matters.
            log.info("%s", error)

    def _stop_process(self, key: Key, drain: float) -> None:
        child = next((c for c in self._warden.list() if c.name == child_name(key)), None)
        if child is None:
            self._report(key, "stopped", "it does not run here")
        elif child.running:
            # The warden counts anew with each order, so a repeated one would put off the end.
            with self._lock:
                now, earlier = time.monotonic(), self._stops.get(key)
                due = now + drain + _GRACE
                if earlier is not None and now < earlier <= due:
                    return
                self._stops[key] = due
            self._warden.stop(child.name, drain + _GRACE)
        else:
            self._report(key, "stopped", pid=child.pid)
            self._warden.forget(child.name)
            spec_path(self._settings, *key).unlink(missing_ok=True)
            self._told.discard(child.name)

    def _start(self, spec: ReplicaSpec, preparation: Preparation) -> None:
        key = (spec.replica_id, spec.epoch)
        last = 0.0

        def progress(fraction: float, line: str) -> None:
            nonlocal last
            if time.monotonic() - last > _PROGRESS_EVERY or fraction >= 1:
                last = time.monotonic()
                self._report(key, "starting", line, progress=fraction)

        refusal, final = "", False
        try:
            environment = replica_environment(spec, self.inventory)
            path = prepare(spec, self._settings, preparation.cancelled, progress)
            command = [sys.executable, "-m", "xplatform", "replica", str(path)]
            pid = self._warden.start(child_name(key), command, environment)
            self._report(key, "starting", "starting the engine", pid=pid)
        except Cancelled:
            self._report(key, "stopped", "cancelled")
        except CannotPrepare as error:
            refusal, final = str(error), error.final
        except WardenError as error:
            log.info("%s is not started: %s", child_name(key), error)
            # Not a failure of the model: the server stops, or another order was quicker.
            if "stopping" not in str(error) and not self._is_there(key):
                refusal = str(error)
        except Exception as error:
            log.exception("%s cannot be started", child_name(key))
            refusal = f"{type(error).__name__}: {error}"
        with self._lock:
            # Only now, when the warden lists it: it must be in every heartbeat from here on.
            del self._preparing[key]
            if refusal and key not in self._stops:
                self._refused[key] = refusal, final
        if refusal:
            self._report(key, "failed", refusal, final=final)
        elif preparation.cancelled.is_set():
            # The order to end came between the last look and the start.
            self.stop_replica(*key, 0)
        self.changed.ring()

    def _is_there(self, key: Key) -> bool:
        try:
            return child_name(key) in {child.name for child in self._warden.list()}
        except WardenError as error:
            log.error("%s", error)
            return True  # not to be started now; the order comes again

    # --- what is here ------------------------------------------------------------------------

    def tidy(self) -> None:
        """Remove the files of replicas that ended while no agent looked. Raises WardenError."""
        keep = {spec_path(self._settings, *key) for key, _ in self.children()}
        for path in (self._settings.run_path / "replicas").glob("*.json"):
            if path not in keep:
                path.unlink(missing_ok=True)

    def children(self) -> list[tuple[Key, ChildReport]]:
        """Processes of replicas, as the warden has them. Raises WardenError."""
        found = ((parse_name(child.name), child) for child in self._warden.list())
        return [(key, child) for key, child in found if key is not None]

    def listing(self) -> list[Listed]:
        """For the heartbeat. Raises WardenError."""
        with self._lock:
            # Before the warden is asked: what leaves here afterwards is in its answer.
            pending = [Listed(*key) for key in self._preparing]
            refused = [
                Listed(*key, running=False, reason=why, final=final)
                for key, (why, final) in self._refused.items()
            ]
        children = self.children()
        self._measure(children)
        processes = [listed(key, child, self.memory.of(child.pid)) for key, child in children]
        there = {(item.id, item.epoch) for item in processes}
        return [i for i in pending + refused if (i.id, i.epoch) not in there] + processes

    def _measure(self, children: list[tuple[Key, ChildReport]]) -> None:
        running = {key: child.pid for key, child in children if child.running}
        for key in self._devices.keys() - running.keys():
            del self._devices[key]
        for key in running.keys() - self._devices.keys():
            self._devices[key] = given_devices(spec_path(self._settings, *key))
        self.memory.watch({pid: self._devices[key] for key, pid in running.items()})

    def tell_ends(self, processes: list[Listed]) -> None:
        """Report each process that has ended, once."""
        for item in processes:
            key = (item.id, item.epoch)
            name = child_name(key)
            if item.running or item.reason or name in self._told:
                continue
            self._told.add(name)
            with self._lock:
                asked = key in self._stops
            self._report(key, "stopped" if asked else item.end, item.why, pid=item.pid)

    def end_frozen(self, processes: list[Listed]) -> None:
        """A replica touches its file every second; one that has long ceased to is ended. Whoever
        looks after the launch starts another."""
        now = time.time()
        for item in processes:
            key = (item.id, item.epoch)
            if not item.running or item.pid is None:
                continue
            try:
                silent = now - spec_path(self._settings, *key).stat().st_mtime
            except OSError:
                continue
            if silent > self._settings.replica_silence_timeout:
                log.error("%s gave no sign of life for %.0f s", child_name(key), silent)
                self._warden.stop(child_name(key), 0)

    def _report(
        self,
        key: Key,
        state: State,
        message: str = "",
        *,
        progress: float = 0.0,
        pid: int | None = None,
        final: bool = False,
    ) -> None:
        report = Report(
            source="node",
            replica_id=key[0],
            epoch=key[1],
            state=state,
            progress=progress,
            message=message,
            pid=pid,
            final=final,
            time=time.time(),
        )
        self._sender.send(TASK_OBSERVE, CONTROL, msgspec.to_builtins(report), expires=600.0)


class Bell:
    """An event that a thread can wait for together with other file handles."""

    def __init__(self) -> None:
        self.handle, self._write = os.pipe()
        os.set_blocking(self.handle, False)
        os.set_blocking(self._write, False)

    def ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it rings already
            os.write(self._write, b".")

    def silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.handle, 4096)


def child_name(key: Key) -> str:
    return f"replica-{key[0]}-{key[1]}"


def parse_name(name: str) -> Key | None:
    prefix, _, rest = name.partition("-")
    replica_id, _, epoch = rest.rpartition("-")
    return (replica_id, int(epoch)) if prefix == "replica" and epoch.isdigit() else None


def given_devices(path: Path) -> list[str]:
    """By the replica's file: an agent finds replicas that another one started."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReplicaSpec).devices
    except (OSError, msgspec.DecodeError):
        return []


def listed(key: Key, child: ChildReport, taken: Taken) -> Listed:
    return Listed(
        *key,
        pid=child.pid,
        running=child.running,
        exit_code=child.exit_code,
        # Of a running one nobody wants them, and they would be sent every second.
        last_lines=[] if child.running else child.last_lines[-20:],
        memory=taken.resident if child.running else 0,
        device_memory=taken.device if child.running else 0,
    )

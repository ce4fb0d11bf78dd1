"""A small world around the control plane: nodes with processes, and messages that may be lost,
doubled, late and out of order. Time passes only when a test says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from apps.models import tasks
from apps.models.orders import LaunchOrder
from apps.models.reports import Heartbeat, Listed, Report
from xplatform.core.queues import (
    CONTROL,
    TASK_DEMAND,
    TASK_HEARTBEAT,
    TASK_OBSERVE,
    TASK_RECONCILE,
    TASK_START_REPLICA,
    TASK_STOP_REPLICA,
    TASK_WAKE,
)

TASKS = {
    TASK_OBSERVE: tasks.observe_replica,
    TASK_HEARTBEAT: tasks.hear_node,
    TASK_DEMAND: tasks.hear_demand,
    TASK_WAKE: tasks.wake,
    TASK_RECONCILE: tasks.reconcile,
}


def an_order(uid: str = "m", **values: Any) -> LaunchOrder:
    """Of a model of the fake engine, by somebody who may name files of the machine."""
    fake = {"uid": uid, "engine": "fake", "model_path": "/models/m", "unsafe": True}
    return LaunchOrder(**{**fake, **values})


@dataclass
class Message:
    task: str
    queue: str
    args: tuple[Any, ...]


@dataclass
class FakeSender:
    """The face of ``TaskSender``; keeps what was sent."""

    sent: list[Message] = field(default_factory=list)
    connected: bool = True
    forgotten: list[str] = field(default_factory=list)

    def forget_queue(self, queue: str, expires: float = 60.0) -> None:
        self.forgotten.append(queue)

    def send(self, task: str, queue: str, *args: Any, expires: float = 3600.0) -> None:
        self.sent.append(Message(task, queue, args))

    def flush(self, timeout: float) -> bool:
        return True

    def close(self) -> None:
        pass

    def take(self, task: str) -> list[Message]:
        """And forget them."""
        found = [m for m in self.sent if m.task == task]
        self.sent = [m for m in self.sent if m.task != task]
        return found


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def datetime(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


@dataclass
class Process:
    spec: Mapping[str, Any]
    state: str = "starting"
    exit_code: int | None = None


class SimNode:
    """Obeys orders as the real agent does, without processes."""

    def __init__(self, name: str, clock: Clock, sender: FakeSender) -> None:
        self.name = name
        self._clock = clock
        self._sender = sender
        self.alive = True
        #: bytes of its accelerators, by id, and what models take of them
        self.devices: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        #: bytes that each process takes of the machine's memory
        self.memory = 0
        self.processes: dict[tuple[str, int], Process] = {}
        self._stopped: set[tuple[str, int]] = set()

    def obey(self, message: Message) -> None:
        if not self.alive:
            return
        if message.task == TASK_START_REPLICA:
            spec = message.args[0]
            key = (spec["replica_id"], spec["epoch"])
            if key not in self.processes and key not in self._stopped:
                self.processes[key] = Process(spec)
                self._report(key, "starting")
        elif message.task == TASK_STOP_REPLICA:
            key = (message.args[0], message.args[1])
            self._stopped.add(key)
            process = self.processes.get(key)
            if process is None or process.exit_code is not None:
                self.processes.pop(key, None)
                self._report(key, "stopped")
            else:
                process.state = "draining"

    def step(self, key: tuple[str, int]) -> None:
        """A process goes on by one state, and says so."""
        process = self.processes[key]
        following = {"starting": "loading", "loading": "ready", "ready": "ready"}
        if process.state == "draining":
            self.end(key, 0)
        elif process.exit_code is None:
            process.state = following[process.state]
            info = {"slots": 4, "context_length": 128} if process.state == "ready" else {}
            self._report(key, process.state, source="replica", info=info)

    def end(self, key: tuple[str, int], code: int) -> None:
        if self.processes[key].exit_code is None:
            self.processes[key].exit_code = code
            state = "failed" if code else "stopped"
            self._report(key, state, message="its last words" if code else "")

    def beat(self) -> None:
        if not self.alive:
            return
        listed = [
            Listed(
                *key,
                pid=7,
                running=p.exit_code is None,
                exit_code=p.exit_code,
                memory=self.memory,
            )
            for key, p in self.processes.items()
        ]
        beat = Heartbeat(self.name, self._tick(), self._picture(), replicas=listed)
        self._sender.send(TASK_HEARTBEAT, CONTROL, msgspec.to_builtins(beat))

    def used(self, device: str) -> int:
        """Bytes that processes take now."""
        running = [p.spec for p in self.processes.values() if p.exit_code is None]
        shares = [
            self.sizes.get(spec["model_uid"], 0) // len(spec["devices"])
            for spec in running
            if device in spec["devices"]
        ]
        return sum(shares)

    def _picture(self) -> dict[str, Any]:
        if not self.devices:
            return {}
        cpu = {"id": "cpu", "kind": "cpu", "memory_total": 64 * 1024**3, "memory_used": 0}
        gpus = [
            {"id": id, "kind": "cuda", "memory_total": total, "memory_used": self.used(id)}
            for id, total in self.devices.items()
        ]
        return {"devices": [cpu, *gpus]}

    def lose_power(self) -> None:
        self.alive = False
        self.processes.clear()

    @property
    def running(self) -> list[tuple[str, int]]:
        return [key for key, p in self.processes.items() if p.exit_code is None]

    def _report(self, key: tuple[str, int], state: Any, source: Any = "node", **more: Any) -> None:
        report = Report(source, *key, state, time=self._tick(), **more)
        self._sender.send(TASK_OBSERVE, CONTROL, msgspec.to_builtins(report))

    def _tick(self) -> float:
        # Nothing happens at exactly the same time.
        self._clock.now += 0.000_1
        return self._clock.now


class World:
    """Nodes, their messages, and the control plane's."""

    def __init__(self, clock: Clock, sender: FakeSender, *names: str) -> None:
        self.clock = clock
        self.sender = sender
        self.nodes = {name: SimNode(name, clock, sender) for name in names}

    def equip(self, name: str, *gibs: int, **sizes: int) -> None:
        """Give a node accelerators of so many GiB, and say how many GiB models take."""
        node = self.nodes[name]
        node.devices = {f"cuda:{i}": gib * 1024**3 for i, gib in enumerate(gibs)}
        node.sizes |= {uid: gib * 1024**3 for uid, gib in sizes.items()}

    def ask(self, web: str = "w1", **models: tuple[int, int, float]) -> None:
        """A web process tells of its requests: uid=(running, waiting, seconds of the oldest)."""
        told = {
            uid: {"running": r, "waiting": w, "oldest_seconds": o, "requests": int(r + w > 0)}
            for uid, (r, w, o) in models.items()
        }
        report = {"web": web, "time": self.clock.now, "models": told}
        self.sender.send(TASK_DEMAND, CONTROL, report)
        self.deliver_all()

    def deliver(self, message: Message) -> None:
        if message.queue == CONTROL:
            TASKS[message.task](*message.args)
        else:
            self.nodes[message.queue.removeprefix("node.")].obey(message)

    def deliver_all(self) -> None:
        while self.sender.sent:
            self.deliver(self.sender.sent.pop(0))

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Second by second, with heartbeats and rounds, all messages delivered."""
        for _ in range(round(seconds / step)):
            self.clock.now += step
            for node in self.nodes.values():
                node.beat()
            self.deliver_all()
            TASKS[TASK_RECONCILE]()
            self.deliver_all()

    def settle(self, seconds: float = 150.0) -> None:
        """The same, while each process that can goes on."""
        for _ in range(round(seconds)):
            for node in self.nodes.values():
                for key in node.running:
                    node.step(key)
            self.pass_time(1)

    def running(self) -> list[tuple[str, int]]:
        return [key for node in self.nodes.values() for key in node.running]

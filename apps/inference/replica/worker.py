"""The process of one replica: Celery's consumer in the main thread, the core in another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from celery import signals
from celery.exceptions import SecurityWarning

from apps.inference.replica.core import SPARE, Core
from apps.inference.replica.engine import EngineDied
from apps.inference.replica.pool import SlotPool
from apps.inference.replica.spec import Spec
from xplatform.celery import app
from xplatform.core import logs, queues
from xplatform.core.channels import channel_layer
from xplatform.core.config import settings
from xplatform.core.pool import nudge
from xplatform.core.sender import TaskSender

log = logging.getLogger(__name__)

#: threads that wait for the engine, beyond which more slots bring nothing
_MAX_SLOTS = 1024


class Replica:
    """Wires the core to Celery; there is one a process."""

    def __init__(self, spec: Spec, path: Path) -> None:
        self.spec = spec
        self._path = path
        self.core: Core | None = None
        self._sender = TaskSender(app, "reports")
        self._started = threading.Event()
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def observe(
        self,
        state: str,
        progress: float,
        message: str,
        info: dict[str, Any] | None = None,
        *,
        final: bool = False,
    ) -> None:
        report = {
            "source": "replica",
            "replica_id": self.spec.replica_id,
            "epoch": self.spec.epoch,
            "state": state,
            "progress": progress,
            "message": message,
            "info": info or {},
            "final": final,
            "time": time.time(),
        }
        self._sender.send(queues.TASK_OBSERVE, queues.CONTROL, report, expires=60.0)

    def start(self) -> None:
        SlotPool.room, SlotPool.closable = 0, bool(app.conf.worker_disable_prefetch)
        threading.Thread(target=self._run_core, name="core", daemon=True).start()
        self._started.wait()

    def _run_core(self) -> None:
        uvloop.run(self._core_main())

    async def _core_main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.core = Core(
            self.spec, settings(), channel_layer(), self.observe, self._alive, self._set_room
        )
        self._started.set()
        try:
            await self.core.run()
        except EngineDied as error:
            self._fail(str(error), final=error.final)
        except Exception as error:
            log.exception("the replica's core failed")
            self._fail(f"the replica failed: {error!r}")
        self._ended.set()
        await asyncio.Event().wait()  # this thread holds the engine's tether: it must not end

    def _fail(self, reason: str, *, final: bool = False) -> None:
        log.error("giving up: %s", reason)
        self.observe("failed", 0.0, reason, final=final)
        self._sender.flush(2.0)
        os._exit(1)

    def _alive(self) -> None:
        """A sign of life for the node agent, which has a replica ended that gives none."""
        with contextlib.suppress(OSError):
            os.utime(self._path)

    def _set_room(self, slots: int) -> None:
        SlotPool.room = slots
        nudge()

    def begin_drain(self) -> None:
        assert self._loop is not None and self.core is not None
        asyncio.run_coroutine_threadsafe(self.core.drain(), self._loop)

    def finish(self) -> None:
        """After Celery has ended: the engine is gone, say so."""
        self._ended.wait(settings().drain_timeout + 5)
        self.observe("stopped", 1.0, "")
        self._sender.flush(1.0)


_replica: Replica | None = None


@app.task(name=queues.TASK_RUN, ignore_result=True)
def run(envelope: bytes) -> None:
    assert _replica is not None and _replica.core is not None
    _replica.core.execute(envelope)


def main(spec_path: str) -> int:
    global _replica
    spec = msgspec.json.decode(Path(spec_path).read_bytes(), type=Spec)
    logs.configure(f"replica-{spec.model_uid}", settings())
    # Each request is a task, and Celery would tell of each.
    logging.getLogger("celery").setLevel(logging.WARNING)
    # A thread that waits for the interpreter gets it after this long instead of 5 ms: requests
    # hop between threads here, and each hop is time to the first token.
    sys.setswitchinterval(0.0005)
    # Root is usual in containers, and no message is ever unpickled, which the warning is about.
    warnings.simplefilter("ignore", SecurityWarning)
    _replica = replica = Replica(spec, Path(spec_path))
    replica.start()

    def on_shutdown(**_: Any) -> None:
        replica.begin_drain()

    signals.worker_shutting_down.connect(on_shutdown, weak=False)
    model_queue = queues.model_queue(spec.model_uid)
    worker = app.Worker(
        pool=SlotPool,
        concurrency=min(spec.slots, _MAX_SLOTS) + SPARE,
        queues=[model_queue, queues.replica_queue(spec.replica_id)],
        hostname=f"replica-{spec.replica_id}-{spec.epoch}@{spec.node}",
        loglevel=settings().log_level.upper(),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    replica.finish()
    sys.stderr.flush()
    os._exit(0)

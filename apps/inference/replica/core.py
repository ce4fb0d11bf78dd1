"""What a replica does: requests in, frames out, and an engine that may die at any moment.

Everything here runs in one event loop (thread ``core``), so there are no locks. Celery's threads
enter by ``execute`` and wait there until their request has ended, which is what keeps a slot
taken.
"""

from __future__ import annotations

import asyncio
import collections
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec

from apps.inference import messages
from apps.inference.messages import Abort, Beat, Envelope, Resend, WebBeat
from apps.inference.replica.adapters import EARLY_SECONDS, AdapterSet
from apps.inference.replica.engine import EngineDied, EngineProcess
from apps.inference.replica.outbox import Outbox
from apps.inference.replica.probe import Probe
from apps.inference.replica.spec import Spec, adapters_order, info_of
from xplatform.core.channels import BODY, WEBS, replica_channel
from xplatform.core.config import Settings
from xplatform.engines.protocol import Abort as AbortJobs
from xplatform.engines.protocol import Load, Ready, Step

log = logging.getLogger(__name__)

_BEAT_SECONDS = 1.0
#: the control plane is told again after this long, since a report may be lost with the broker
_REPEAT_SECONDS = 5.0
#: an engine that dies this often within a minute is given up; the control plane decides then
_MAX_RESTARTS = 4
_RESTART_WINDOW = 60.0
#: short requests: so many more than slots are taken, so that a slot that gets free need not wait
#: for the way from the queue
SPARE = 2
#: … while requests take less than this on average (seconds); behind long ones nobody shall wait
#: here who might be served elsewhere
_SHORT = 0.25
#: web processes that are thought to be gone, and requests of theirs that are held back for them
_MOST_GONE = 1000
_MOST_HELD = 10_000
#: an aborted job must have ended after this long, or its slot counts as free
_ABORT_SECONDS = 2.0


class Job(msgspec.Struct):
    envelope: Envelope
    future: Future[None]
    began: float
    aborted: float = 0.0


class Core:
    def __init__(
        self,
        spec: Spec,
        settings: Settings,
        layer: Any,
        observe: Callable[..., None],
        alive: Callable[[], None],
        set_room: Callable[[int], None],
    ) -> None:
        self._spec = spec
        self._settings = settings
        self._layer = layer
        self._send_report = observe
        self._alive = alive
        self._report: tuple[Any, ...] = ("loading", 0.0, "")
        self._reported = time.monotonic()
        self._set_room = set_room
        self._loop = asyncio.get_running_loop()
        self._outbox = Outbox(layer, spec.replica_id, spec.epoch)
        self._jobs: dict[str, Job] = {}
        #: taken from the queue while the engine was away
        self._waiting: collections.deque[Job] = collections.deque()
        #: aborted before they came: a cancel overtakes its request in the queue
        self._cancelled: collections.OrderedDict[str, None] = collections.OrderedDict()
        #: web processes that fell silent with requests here → what of theirs was taken since
        self._gone: collections.OrderedDict[str, list[str]] = collections.OrderedDict()
        self._engine: EngineProcess | None = None
        self._ready: Ready | None = None
        self._state = "loading"
        self._progress = (0.0, "")
        self._restarts: collections.deque[float] = collections.deque()
        self._draining = False
        self._probe = Probe(settings.probe_seconds, settings.probe_timeout)
        self._adapters = AdapterSet(spec.adapters)
        #: the engine ends because it is to start anew, not by a failure
        self._restarting = ""
        self._tasks: set[asyncio.Task[None]] = set()
        #: of a request, running average
        self._duration = _SHORT

    # -- from Celery's threads ----------------------------------------------------------------

    def execute(self, data: bytes) -> None:
        """Run one request; returns when its slot is free again. Called from a pool thread."""
        future: Future[None] = Future()
        self._loop.call_soon_threadsafe(self._begin, data, future)
        future.result()

    # -- the engine's life --------------------------------------------------------------------

    async def run(self) -> None:
        """Load, serve, restart the engine when it dies; raises EngineDied when it is given up."""
        listener = self._loop.create_task(self._listen())
        beats = self._loop.create_task(self._beat_forever())
        try:
            while True:
                await self._load()
                assert self._engine is not None
                reason = await self._engine.wait_end()
                self._give_up_jobs(f"the engine {reason}")
                if self._draining:
                    return
                if not self._restarting:
                    self._count_restart(reason)
                self._restarting = ""
        except EngineDied as error:
            self._give_up_jobs(f"the replica ended: {error}")
            self._state = "stopped"
            await self._beat()
            await asyncio.sleep(0.05)  # let the last frames out
            raise
        finally:
            listener.cancel()
            beats.cancel()

    async def _load(self) -> None:
        spec = self._spec
        self._state, self._ready = "loading", None
        self._set_room(0)
        self._observe("loading", 0.0, "starting the engine")
        await self._beat()
        engine = EngineProcess(
            spec.engine,
            spec.engine_python,
            Path(self._settings.sockets_path) / f"e-{spec.replica_id[:12]}-{spec.epoch}.sock",
            self._settings,
            self._on_step,
            self._on_progress,
        )
        self._engine = engine
        began = time.monotonic()
        ready = await engine.load(
            Load(
                spec.model_path, spec.kind, spec.slots, spec.context_length, spec.options,
                self._adapters.begin(),
            )
        )  # fmt: skip
        log.info("model %s loaded in %.2f s", spec.model_uid, time.monotonic() - began)
        # Whoever is called ready has given a token.
        if not await self._probe.look(engine, ready, first=True):
            return
        self._ready, self._state = ready, "ready"
        self._tell_ready()
        await self._beat()
        while self._waiting:
            self._submit(self._waiting.popleft())
        self._open()

    def _tell_ready(self, message: str = "") -> None:
        assert self._ready is not None and self._engine is not None
        info = info_of(self._ready, self._engine.pid)
        info["adapters"] = list(self._adapters.names)
        info["probe"] = self._probe.result()
        self._observe("ready", 1.0, message, info)

    def _open(self) -> None:
        """Tell the consumer how many requests may be at hand."""
        if self._ready is not None and not self._draining:
            spare = SPARE if self._duration < _SHORT else 0
            self._set_room(self._ready.slots + spare)

    def _observe(self, *report: Any) -> None:
        """Tell the control plane: state, progress, message and, when ready, what is loaded."""
        self._report, self._reported = report, time.monotonic()
        self._send_report(*report)

    def _count_restart(self, reason: str) -> None:
        now = time.monotonic()
        self._restarts.append(now)
        while now - self._restarts[0] > _RESTART_WINDOW:
            self._restarts.popleft()
        log.error("the engine of %s %s", self._spec.model_uid, reason)
        if len(self._restarts) >= _MAX_RESTARTS:
            raise EngineDied(f"{reason} (for the {len(self._restarts)}th time within a minute)")

    def _on_progress(self, stage: str, fraction: float, message: str) -> None:
        text = f"{stage}: {message}" if message else stage
        if text != self._progress[1] or fraction - self._progress[0] >= 0.05:
            self._progress = (fraction, text)
            self._observe("loading", fraction, text)

    async def drain(self) -> None:
        """Take no more, let what runs finish, hand over what is left, end the engine."""
        if self._draining:
            return
        self._draining = True
        self._state = "draining"
        self._set_room(0)
        self._observe("draining", 1.0, "")
        await self._beat()
        deadline = time.monotonic() + self._settings.drain_timeout
        while self._jobs and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        self._give_up_jobs("the replica stops")
        await asyncio.sleep(0.05)  # let the last frames out
        self._state = "stopped"
        await self._beat()
        if self._engine is not None:
            await self._engine.stop()

    # -- requests -----------------------------------------------------------------------------

    def _begin(self, data: bytes, future: Future[None]) -> None:
        try:
            envelope = messages.decode_envelope(data)
        except (msgspec.DecodeError, TypeError) as error:
            log.error("a request on the queue is no envelope: %s", error)
            future.set_result(None)
            return
        late = envelope.key in self._cancelled or envelope.deadline < time.time()
        if late or envelope.key in self._jobs:  # the latter: delivered twice
            future.set_result(None)
            return
        if self._hold_back(envelope):
            future.set_result(None)
            return
        job = Job(envelope, future, time.monotonic())
        self._jobs[envelope.key] = job
        destination = self._outbox.to(envelope.reply)
        if not destination.keys:
            destination.heard = time.monotonic()
        destination.keys.add(envelope.key)
        if self._draining:
            self._give_up_jobs("the replica stops")
            return
        destination.started(envelope.key)
        if self._ready is None:
            self._waiting.append(job)
        else:
            self._submit(job)

    def _submit(self, job: Job) -> None:
        if job.envelope.key not in self._jobs or self._engine is None:
            return
        submit = job.envelope.submit
        if submit.adapter and not self._adapters.can(submit.adapter):
            # Whoever made the adapter calls it at once; we may hear of it a moment later.
            self._adapters.wait(job.envelope.key)
        else:
            self._engine.send(submit)

    def _on_step(self, step: Step) -> None:
        for delta in step.deltas:
            job = self._jobs.get(delta.rid)
            if job is None:
                self._probe.hear(delta)
                continue
            destination = self._outbox.destinations.get(job.envelope.reply)
            # The end of an aborted one has what it used.
            if destination is not None and (not job.aborted or delta.done):
                destination.delta(delta)
            if delta.done or delta.fault is not None:
                self._end(job)

    def _end(self, job: Job) -> None:
        key = job.envelope.key
        self._jobs.pop(key, None)
        self._probe.rest()
        was_short = self._duration < _SHORT
        self._duration += 0.1 * (time.monotonic() - job.began - self._duration)
        if was_short != (self._duration < _SHORT):
            self._open()
        if destination := self._outbox.destinations.get(job.envelope.reply):
            destination.keys.discard(key)
        if not job.future.done():
            job.future.set_result(None)

    def _give_up_jobs(self, reason: str) -> None:
        """Hand all requests back to their web processes, which send them elsewhere."""
        by_reply: dict[str, list[str]] = {}
        for job in list(self._jobs.values()):
            if not job.aborted:
                by_reply.setdefault(job.envelope.reply, []).append(job.envelope.key)
            self._end(job)
        self._waiting.clear()
        for reply, keys in by_reply.items():
            if destination := self._outbox.destinations.get(reply):
                destination.lost(keys, reason)

    def _abort(self, keys: tuple[str, ...]) -> None:
        running = []
        for key in keys:
            job = self._jobs.get(key)
            if job is None:
                self._cancelled[key] = None
                if len(self._cancelled) > 20_000:
                    self._cancelled.popitem(last=False)
            elif self._ready is None:
                self._end(job)
            elif not job.aborted:
                job.aborted = time.monotonic()
                running.append(key)
        if running and self._engine is not None:
            self._engine.send(AbortJobs(tuple(running)))

    # -- web processes ------------------------------------------------------------------------

    async def _listen(self) -> None:
        channel = replica_channel(self._spec.replica_id, self._spec.epoch)
        while True:
            try:
                message = await self._layer.receive(channel)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("the channel layer failed: %s", error)
                # It believes to have subscribed, and would not do it again.
                await self._layer.flush()
                await asyncio.sleep(0.2)
                continue
            if message["type"] != "web":
                self._obey(message["type"], message[BODY])
                continue
            try:
                request = messages.decode_to_replica(message[BODY])
            except Exception as error:
                log.warning("a message of a web process could not be read: %s", error)
                continue
            self._hear_web(request.reply)
            match request:
                case Abort():
                    self._abort(request.keys)
                case Resend():
                    await self._outbox.resend(request)
                case WebBeat():
                    pass

    # -- orders of the control plane ----------------------------------------------------------

    def _obey(self, kind: str, data: bytes) -> None:
        try:
            if kind != "adapters":
                raise ValueError(f"no order {kind!r} is known")
            self._adapters.ask(adapters_order.decode(data).adapters)
        except ValueError as error:  # all of msgspec's are
            log.warning("an order could not be read: %s", error)
            return
        self._spawn(self._change_adapters())

    async def _change_adapters(self) -> None:
        """In the running engine if it can; else it starts anew with them, when what runs has
        ended. Meanwhile requests wait in the queue, where other replicas take them."""
        if self._ready is None or self._engine is None or self._adapters.changing:
            return  # the start, or the change that is under way, comes to them
        engine = self._engine
        with self._adapters.change():
            while (wanted := self._adapters.unmet()) is not None and engine is self._engine:
                answer = await engine.set_adapters(wanted)
                if answer is None:
                    return
                if answer.fault is not None and answer.fault.code == "unsupported":
                    self._spawn(self._restart(engine, "it takes other adapters"))
                    return
                reason = answer.fault.message if answer.fault else ""
                self._adapters.met(wanted, answer.names)
                if reason:
                    log.error("the adapters stay as they were: %s", reason)
                self._tell_ready(f"the adapters stay as they were: {reason}" if reason else "")
        self._submit_early(0.0)
        await self._beat()

    async def _restart(self, engine: EngineProcess, reason: str) -> None:
        log.info("the engine starts anew: %s", reason)
        self._set_room(0)
        deadline = time.monotonic() + self._settings.drain_timeout
        while self._jobs.keys() - self._adapters.early.keys() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        if engine is self._engine and not self._draining:
            self._restarting = reason
            await engine.stop()

    def _submit_early(self, patience: float) -> None:
        """Hand over who waited for an adapter: it came, or will not."""
        for key in self._adapters.take_early(patience):
            if (job := self._jobs.get(key)) is not None and self._engine is not None:
                self._engine.send(job.envelope.submit)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_at_health(self) -> None:
        """Beats tell how it went. Reports do not: each that differs from the last is written to
        the database and told to everybody."""
        if self._ready is not None and self._engine is not None:
            await self._probe.look(self._engine, self._ready)

    async def _beat_forever(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self._alive()
            await self._beat()
            now = time.monotonic()
            self._submit_early(EARLY_SECONDS)
            if self._state == "ready" and not self._jobs and self._probe.due(now):
                self._spawn(self._look_at_health())
            if now - self._reported > _REPEAT_SECONDS:
                self._observe(*self._report)
            for destination in list(self._outbox.destinations.values()):
                if now - destination.heard > self._settings.peer_timeout:
                    self._forget_web(destination.channel)
                elif destination.keys:
                    await destination.tail()
            for job in list(self._jobs.values()):
                if job.aborted and now - job.aborted > _ABORT_SECONDS:
                    log.warning("%s was aborted but has not ended", job.envelope.key)
                    self._end(job)

    def _forget_web(self, channel: str) -> None:
        """A web process that is gone, or has nothing here for a while."""
        keys = tuple(self._outbox.destinations[channel].keys)
        if keys:
            log.warning("a web process is gone; its %d requests are ended", len(keys))
            self._abort(keys)
            self._gone[channel] = []
            if len(self._gone) > _MOST_GONE:
                self._gone.popitem(last=False)
        elif held := self._gone.get(channel):
            log.warning("a web process stays away; %d more of its requests are dropped", len(held))
            held.clear()
        self._outbox.forget(channel)

    def _hold_back(self, envelope: Envelope) -> bool:
        """What a web process that is gone has left in the queue takes no slot, or those behind it
        would wait for each anew until it was found dead. Should it live after all, it hears that
        we have taken it, and says something."""
        held = self._gone.get(envelope.reply)
        if held is None or len(held) >= _MOST_HELD:
            return False
        destination = self._outbox.to(envelope.reply)
        if not held:
            destination.heard = time.monotonic()
        held.append(envelope.key)
        destination.started(envelope.key)
        return True

    def _hear_web(self, channel: str) -> None:
        destination = self._outbox.destinations.get(channel)
        if destination is not None:
            destination.heard = time.monotonic()
        if (held := self._gone.pop(channel, None)) and destination is not None:
            destination.lost(held, "its web process was taken for dead")

    async def _beat(self) -> None:
        ready = self._ready
        beat = Beat(
            self._spec.replica_id,
            self._spec.epoch,
            self._spec.model_uid,
            self._state,
            ready.slots if ready else self._spec.slots,
            len(self._jobs),
            self._spec.kind,
            ready.context_length if ready else 0,
            ready.capabilities.abilities if ready else (),
            ready.capabilities.parameters if ready else (),
            ready.details if ready else {},
            *self._progress,
            self._adapters.names,
            self._probe.seconds,
        )
        try:
            await self._layer.group_send(WEBS, {"type": "beat", BODY: messages.encode(beat)})
        except Exception as error:
            log.warning("a beat could not be sent: %s", error)

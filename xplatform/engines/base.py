"""What an engine adapter is, and the process around it.

An adapter is a subclass of ``Engine`` in a module of its own that imports its heavy libraries
only inside ``load``. It implements ``load``, ``submit`` and ``abort``; ``run`` does the rest:
handshake, dispatch, pulse, coalescing of deltas into one frame, drain, shutdown.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NoReturn

from .link import Link, LinkBroken
from .protocol import (
    PROTOCOL_VERSION,
    Abort,
    Adapter,
    Adapters,
    AskStats,
    Capabilities,
    Delta,
    Drain,
    Drained,
    Failed,
    Fault,
    Hello,
    Load,
    Progress,
    Pulse,
    Ready,
    SetAdapters,
    Shutdown,
    Stats,
    Step,
    Submit,
)

log = logging.getLogger(__name__)

PULSE_SECONDS = 1.0


class EngineFault(Exception):
    """Raised by ``load`` or ``submit``; becomes ``Failed`` or a ``Delta`` with the fault."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        param: str | None = None,
        data: dict[str, Any] | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.fault = Fault(code, message, param, data, retryable)


class Engine:
    """Base of all adapters. All methods but ``emit`` are called from one thread.

    ``submit`` must return at once: the work goes on in the engine's own threads, which call
    ``emit`` with what a step produced. ``emit`` may be called from any thread.
    """

    name: ClassVar[str]
    #: what is known without a model; the web tier reads it before anything is loaded
    capabilities: ClassVar[dict[str, Capabilities]]  # by kind: llm, embedding
    #: least time between two frames: what comes meanwhile shares the next one
    coalesce_seconds: ClassVar[float] = 0.0

    #: grows with every step; an adapter raises it for a step that has nothing to tell (a part of
    #: a long prompt), so that it is not taken for stalled
    steps: int

    def __init__(self) -> None:
        self._pending: list[Delta] = []
        self._wake = threading.Condition()
        self._running: set[str] = set()
        self._closing = False
        #: a frame is on its way: it must be out before we say that all is
        self._sending = False
        #: names that jobs may use
        self._adapters: tuple[str, ...] = ()
        self.steps = 0

    # -- to be implemented --------------------------------------------------------------------

    def version(self) -> str:
        """The engine library's version."""
        raise NotImplementedError

    def load(self, load: Load) -> Ready:
        """Load the model, calling ``self.progress``; raise ``EngineFault`` when it cannot be."""
        raise NotImplementedError

    def submit(self, job: Submit) -> None:
        """Start the job, or queue it: a few more than there are slots may come. Raise
        ``EngineFault`` to refuse it."""
        raise NotImplementedError

    def abort(self, rid: str) -> None:
        """Stop the job; it must end with ``done`` soon. Unknown rids are ignored."""
        raise NotImplementedError

    def set_adapters(self, adapters: Sequence[Adapter]) -> None:
        """Jobs that come from now on may name these, and no others. All or nothing: raise
        ``EngineFault``, with the code "unsupported" when only another start could do it."""
        raise EngineFault("unsupported", f"{self.name} takes its adapters when it starts")

    def stats(self) -> dict[str, float]:
        return {}

    def close(self) -> None:
        """Free the model. The process exits right after."""

    # -- for adapters -------------------------------------------------------------------------

    def progress(self, stage: str, fraction: float, message: str = "") -> None:
        self._link.send(Progress(stage, fraction, message))

    def emit(self, deltas: Iterable[Delta]) -> None:
        """Hand over what a step produced; one frame is sent for all that is pending."""
        with self._wake:
            self._pending.extend(deltas)
            self.steps += 1
            # All: a drain may wait on the same condition, and would swallow a single call.
            self._wake.notify_all()

    def fail(self, fault: Fault) -> NoReturn:
        """The engine cannot go on: hand over what is pending, say why, end the process."""
        with self._wake:
            self._wake.wait_for(lambda: not self._pending and not self._sending, timeout=1.0)
        try:
            self._link.send(Failed(fault))
        except LinkBroken:
            pass
        os._exit(1)

    # -- the process --------------------------------------------------------------------------

    def run(self, link: Link) -> None:
        """Serve one replica worker until it says shutdown or goes away."""
        self._link = link
        link.send(Hello(PROTOCOL_VERSION, self.name, self.version(), os.getpid()))
        message = link.receive()
        if isinstance(message, Shutdown):
            return
        if not isinstance(message, Load):
            raise LinkBroken(f"expected load, got {type(message).__name__}")
        threading.Thread(target=self._pulse, name="pulse", daemon=True).start()
        log.info("%s %s loads %s", self.name, self.version(), message.model_path)
        began = time.monotonic()
        try:
            self._check_adapters(message)
            ready = self.load(message)
        except EngineFault as error:
            log.error("loading failed: %s", error)
            link.send(Failed(error.fault))
            return
        except MemoryError:
            link.send(Failed(Fault("engine", "out of memory while loading the model")))
            return
        except Exception as error:
            log.exception("loading failed")
            link.send(Failed(Fault("engine", f"{type(error).__name__}: {error}")))
            return
        sender = threading.Thread(target=self._send_steps, name="sender", daemon=True)
        sender.start()
        log.info(
            "ready after %.2f s: %d at once, a context of %d tokens; %s",
            time.monotonic() - began, ready.slots, ready.context_length, ready.details,
        )  # fmt: skip
        link.send(ready)
        try:
            self._serve(link)
        finally:
            with self._wake:
                self._closing = True
                self._wake.notify()
            sender.join(timeout=2)
            self.close()

    def _check_adapters(self, load: Load) -> None:
        if not load.adapters:
            return
        known = self.capabilities.get(load.kind)
        if known is not None and "adapters" not in known.abilities:
            raise EngineFault(
                "unsupported",
                f"the engine {self.name} takes no LoRA adapters for {load.kind} models; "
                "leave them out, or use another engine",
                param="adapters",
            )
        self._adapters = tuple(adapter.name for adapter in load.adapters)

    def check_adapter(self, name: str) -> None:
        """For ``submit``; raises ``EngineFault``."""
        if name and name not in self._adapters:
            has = ", ".join(self._adapters) or "none"
            raise EngineFault(
                "invalid", f"there is no adapter {name!r} (there is: {has})", param="model"
            )

    def _serve(self, link: Link) -> None:
        while True:
            message = link.receive()
            match message:
                case Submit():
                    self._start(message)
                case Abort():
                    for rid in message.rids:
                        self.abort(rid)
                case SetAdapters():
                    self._change_adapters(message.adapters)
                case AskStats():
                    link.send(Stats(self.stats()))
                case Drain():
                    threading.Thread(target=self._drain, daemon=True).start()
                case Shutdown():
                    return
                case _:
                    raise LinkBroken(f"{type(message).__name__} is out of order")

    def _start(self, job: Submit) -> None:
        with self._wake:
            self._running.add(job.rid)
        try:
            self.submit(job)
        except EngineFault as error:
            self.emit([Delta(job.rid, fault=error.fault)])
        except Exception as error:
            log.exception("submit failed")
            self.emit([Delta(job.rid, fault=Fault("engine", f"{type(error).__name__}: {error}"))])

    def _change_adapters(self, adapters: Sequence[Adapter]) -> None:
        fault = None
        try:
            self.set_adapters(adapters)
            self._adapters = tuple(adapter.name for adapter in adapters)
        except EngineFault as error:
            fault = error.fault
        except Exception as error:
            log.exception("the adapters cannot be changed")
            fault = Fault("engine", f"{type(error).__name__}: {error}")
        self._link.send(Adapters(self._adapters, fault))

    def _send_steps(self) -> None:
        sent = 0.0
        while True:
            with self._wake:
                while not self._pending and not self._closing:
                    self._wake.wait()
                if self._closing and not self._pending:
                    return
                several = len(self._running) > 1
            # The first frame after a rest goes at once; a fast engine fills the next meanwhile.
            # A job that runs alone waits for nobody.
            pause = sent + self.coalesce_seconds - time.monotonic()
            if several and pause > 0:
                time.sleep(pause)
            with self._wake:
                deltas, self._pending = self._pending, []
                for delta in deltas:
                    if delta.done or delta.fault is not None:
                        self._running.discard(delta.rid)
                self._sending = True
            sent = time.monotonic()
            try:
                self._link.send(Step(tuple(deltas)))
            except LinkBroken:
                return
            with self._wake:
                self._sending = False
                self._wake.notify_all()

    def _pulse(self) -> None:
        pause = threading.Event()
        while not self._closing:
            try:
                self._link.send(Pulse(self.steps, len(self._running)))
            except LinkBroken:
                return
            pause.wait(PULSE_SECONDS)

    def _drain(self) -> None:
        with self._wake:
            while (self._running or self._pending or self._sending) and not self._closing:
                self._wake.wait(0.1)
        try:
            self._link.send(Drained())
        except LinkBroken:
            pass

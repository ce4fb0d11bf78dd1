"""Is the engine able to give a token? A look at its health that a pulse cannot replace: an engine
may live, answer, and generate nothing.

One real request for one token: after each load, before the replica is called ready, and then
whenever nothing has been asked of the engine for a while. Real requests are the better probes, so
under load there are none; a request that comes meanwhile runs beside it. An answer that is a
refusal is a healthy one. An engine that gives none is ended like a frozen one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from apps.inference.replica.engine import EngineProcess
from xplatform.engines.protocol import Delta, Ready, Sampling, Submit

log = logging.getLogger(__name__)

#: the first token after a load may take this many times longer (kernels are compiled, …)
_FIRST_TIMES = 3
_TEXT = "Hi"
_ONE = Sampling(max_tokens=1, temperature=0.0)


class Probe:
    def __init__(self, every: float, timeout: float) -> None:
        self._every = every
        self._timeout = timeout
        self._number = 0
        self._asked = ""
        self._answer: asyncio.Future[Delta] | None = None
        #: since when nothing was asked of the engine
        self._rests = time.monotonic()
        #: how long the last one took; 0: there was none
        self.seconds = 0.0
        self._at = 0.0

    def result(self) -> dict[str, Any]:
        """Of the last look, for reports: Unix time and how long the token took."""
        return {"at": self._at, "seconds": round(self.seconds, 4)}

    def rest(self) -> None:
        """A request has ended: that was as good as a probe."""
        self._rests = time.monotonic()

    def due(self, now: float) -> bool:
        return self._every > 0 and self._answer is None and now - self._rests >= self._every

    def hear(self, delta: Delta) -> None:
        """What the engine says of jobs that are not requests."""
        if self._answer is None or self._answer.done() or delta.rid != self._asked:
            return
        if delta.done or delta.fault is not None:
            self._answer.set_result(delta)

    async def look(self, engine: EngineProcess, ready: Ready, *, first: bool = False) -> bool:
        """False: the engine is gone, or was ended because it did not answer."""
        job = self._job(ready)
        if job is None or self._every <= 0:
            return True
        self._answer = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        limit = self._timeout * (_FIRST_TIMES if first else 1)
        end = asyncio.ensure_future(engine.wait_end())
        try:
            engine.send(job)
            await asyncio.wait(
                (self._answer, end), timeout=limit, return_when=asyncio.FIRST_COMPLETED
            )
            if end.done():
                return False
            if not self._answer.done():
                engine.kill(f"gave no token within {limit:.0f} s, though it was asked for one")
                return False
            fault = self._answer.result().fault
            if fault is not None and fault.code == "engine":
                engine.kill(f"could not give a token: {fault.message}")
                return False
            self.seconds, self._at = time.monotonic() - began, time.time()
            return True
        finally:
            end.cancel()
            self._answer = None
            self.rest()

    def _job(self, ready: Ready) -> Submit | None:
        """The least that an engine of this kind can be asked for; None: nothing is cheap."""
        self._number += 1
        self._asked = f"probe.{self._number}"
        abilities = ready.capabilities.abilities
        if "completion" in abilities:
            return Submit(self._asked, "completion", {"prompt": _TEXT}, _ONE)
        if "chat" in abilities:
            messages = [{"role": "user", "content": _TEXT}]
            return Submit(self._asked, "chat", {"messages": messages}, _ONE)
        if "embedding" in abilities:
            return Submit(self._asked, "embedding", {"inputs": [_TEXT]}, stream=False)
        return None

"""As many requests as the engine has slots for, and none while it is away."""

from __future__ import annotations

from xplatform.core.pool import NudgingPool


class SlotPool(NudgingPool):
    #: set by the core: how many requests may be at hand; an engine may have fewer slots than asked
    room = 0
    #: with AMQP the prefetch count is fixed at the start; what comes too early waits in the core
    closable = True

    @property
    def num_processes(self) -> int:
        limit: int = self.limit
        return min(limit, SlotPool.room) if SlotPool.closable else limit

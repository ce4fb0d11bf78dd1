"""Routes about running requests, as Xinference has them: how far one is, and its end."""

from __future__ import annotations

from typing import Any

import msgspec

from apps.inference.gateway.http import Exchange
from apps.inference.gateway.memory import Memory
from apps.inference.gateway.named import Named
from apps.inference.gateway.routes import parts
from apps.inference.openai.answers import Aborted, AbortOrder, RequestProgress
from xplatform.core import errors

#: a body with one number
_MAX_BODY = 4096
#: seconds for which a request of an aborted name is refused that comes only now
_BLOCK_SECONDS = 30.0


_decoder = msgspec.json.Decoder(AbortOrder)


class Requests:
    def __init__(self, memory: Memory, named: Named) -> None:
        self._memory = memory
        self._named = named

    async def progress(self, exchange: Exchange) -> None:
        await self._memory.admit(exchange, "models.use")
        name = parts(exchange.path)[0]
        found = await self._named.seek(exchange.sender, name)
        if found is None:
            raise errors.NotFound(f"No request {name[:128]!r} of this API key is running.")
        state: Any = found.state
        progress = RequestProgress(
            found.progress, state, found.position, found.model, found.message
        )
        await exchange.answer(msgspec.json.encode(progress))

    async def abort(self, exchange: Exchange) -> None:
        """``msg`` is Xinference's word: DONE, or NOT_FOUND when nothing of that name runs."""
        actor = await self._memory.admit(exchange, "models.use")
        body = await exchange.body(_MAX_BODY)
        try:
            order = _decoder.decode(body) if body.strip() else AbortOrder()
        except msgspec.ValidationError as error:
            raise errors.InvalidValue(f"{error}.", param="block_duration") from None
        except msgspec.DecodeError as error:
            raise errors.InvalidJSON(f"The body is not JSON: {error}.") from None
        called, _, name, _ = parts(exchange.path)
        model, _ = await self._memory.model(called, actor)
        exchange.model = model.uid
        block = _BLOCK_SECONDS if order.block_duration is None else order.block_duration
        found = await self._named.seek(
            exchange.sender, name, model=model.uid, abort=True, block=block
        )
        await exchange.answer(msgspec.json.encode(Aborted("DONE" if found else "NOT_FOUND")))

"""``/ws/events?after=<id>&model=…&node=…&replica=…&pulse=1``: events as they come.

The server sends JSON texts:

- ``{"type": "event", "event": {…}}``, by rising id;
- ``{"type": "caught_up", "last_id": n}``: all up to this id was sent or is of no interest here.
  After the first ones, and from time to time while nothing comes. Whoever breaks off goes on with
  ``after=n``;
- ``{"type": "reset", "last_id": n}``: this history never had the id that was asked for (the
  database was put back, or it is another server's): load the state anew;
- with ``pulse=1``, every few seconds, ``{"type": "pulse", "at": Unix time, …}``: the newest numbers
  of what ``/api/pulse`` has, as far as the reader may see them. Those of old are not sent again.

Without ``after`` it begins with what comes next. What a client sends is read and thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import msgspec

from apps.audit import api as audit
from apps.models.events.history import MAX_ID, Choice, is_foreign, read_number
from apps.models.events.settled import newest_id
from apps.models.events.tail import Tail, read, tail
from apps.models.events.visitor import BEARER, Visitor, query_of, visitor
from apps.models.pictures import EventInfo
from apps.models.pulse.live import live
from apps.models.pulse.series import Sight
from xplatform.core import errors, hints
from xplatform.core.config import settings

log = logging.getLogger(__name__)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: as of HTTP, in the range that is for applications; a server that stops says 1012 itself
BAD_REQUEST, NO_ENTRY, FORBIDDEN, NOT_HERE, TRY_LATER = 4400, 4401, 4403, 4404, 4503
_CODES = {401: NO_ENTRY, 403: FORBIDDEN, 404: NOT_HERE}
NORMAL = 1000
#: a silent socket says this often how far it has read
_QUIET_SECONDS = 15.0
#: a credential that expires opens a socket for this much longer at most
_WELCOME_SECONDS = 60.0
_SHOW_A_KEY = (
    "Send an API key: 'Authorization: Bearer xp-…', or in browsers the subprotocols 'bearer' and"
    " the key."
)
_encode = msgspec.json.Encoder().encode


async def events_socket(scope: Any, receive: Receive, send: Send) -> None:
    await Socket(scope, receive, send).serve()


async def no_socket(scope: Any, receive: Receive, send: Send) -> None:
    """For every other path."""
    await receive()
    error = errors.NotFound(f"There is no WebSocket {scope['path'][:100]!r} here.")
    await Socket(scope, receive, send).refuse(error, NOT_HERE)


class Socket:
    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._accepted = False

    async def serve(self) -> None:
        await self._receive()  # websocket.connect
        try:
            query, who = query_of(self._scope), visitor(self._scope)
            if who is None:
                raise errors.NotAuthenticated(_SHOW_A_KEY)
            sight = await read(who.sight)
            choice = Choice.read(query, sight.project)
            after = read_number(query, "after", 0, MAX_ID, None)
            pulse = read_number(query, "pulse", 0, 1, 0)
        except errors.PlatformError as error:
            await self.refuse(error, _CODES.get(error.status, BAD_REQUEST))
            return
        except Exception as error:
            log.warning("a socket cannot be let in: %s", error)
            await self.refuse(errors.ServerStarting(), TRY_LATER)
            return
        await self._accept()
        await self._talk(who, sight, choice, after, pulse=bool(pulse))

    async def _talk(
        self, who: Visitor, sight: Sight, choice: Choice, after: int | None, *, pulse: bool
    ) -> None:
        """Until one of: the client goes (or the server stops), the key is revoked, we fail."""
        work = {
            asyncio.ensure_future(self._listen()),
            asyncio.ensure_future(self._follow(choice, after)),
            asyncio.ensure_future(self._until_unwelcome(who, sight)),
        }
        if pulse:
            work.add(asyncio.ensure_future(self._feel(sight)))
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        code = NORMAL
        for task in done:
            if (failure := task.exception()) is not None:
                log.warning("a socket ends: %r", failure)
                code = TRY_LATER
            elif result := task.result():
                code = result
        with contextlib.suppress(Exception):  # it may be gone
            await self._send({"type": "websocket.close", "code": code})

    async def _listen(self) -> int:
        while (await self._receive())["type"] != "websocket.disconnect":
            pass
        return 0

    async def _until_unwelcome(self, who: Visitor, sight: Sight) -> int:
        """Or until they see something else: who comes again is asked anew. Looked at with every
        hint, and from time to time, since credentials also expire."""
        with hints.listening(hints.KEYS) as changed:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_WELCOME_SECONDS):
                        await changed.wait()
                changed.clear()
                try:
                    if await read(who.sight) != sight:
                        return NO_ENTRY
                except errors.PlatformError as error:
                    return _CODES.get(error.status, NO_ENTRY)
                except Exception as error:  # without a database nobody is sent away
                    log.warning("nobody can tell who is still welcome: %s", error)

    async def _follow(self, choice: Choice, after: int | None) -> int:
        followed = tail()
        async with followed.followed():
            cursor = await self._begin(followed, after)
            #: what the client knows, and when it was last told without an event
            told, told_at = -1, 0.0
            while True:
                page = await followed.batch(cursor, choice)
                for event in page.events:
                    await self._say({"type": "event", "event": picture(event)})
                    told = event.id
                cursor = page.last_id
                if page.more:
                    continue
                quiet = time.monotonic() - told_at > _QUIET_SECONDS
                if not told_at or (quiet and cursor > told):
                    await self._say({"type": "caught_up", "last_id": cursor})
                    told, told_at = cursor, time.monotonic()
                await followed.wait(cursor, _QUIET_SECONDS)

    async def _feel(self, sight: Sight) -> int:
        at = 0.0
        async with live().followed():
            while True:
                newest = await live().after(at)
                at = newest.at
                await self._say(newest.message(sight))

    async def _begin(self, followed: Tail, after: int | None) -> int:
        if after is None:
            return followed.end
        if await read(lambda: is_foreign(after)):
            newest = await read(newest_id)
            await self._say({"type": "reset", "last_id": newest})
            return newest
        return after

    # -- wire ---------------------------------------------------------------------------------

    async def _accept(self) -> None:
        offered = self._scope.get("subprotocols") or []
        chosen = BEARER if BEARER in offered else None
        await self._send({"type": "websocket.accept", "subprotocol": chosen})
        self._accepted = True

    async def _say(self, message: Message) -> None:
        # The server waits here while the client does not read.
        async with asyncio.timeout(settings().client_stall_timeout or None):
            await self._send({"type": "websocket.send", "text": _encode(message).decode()})

    async def refuse(self, error: errors.PlatformError, code: int) -> None:
        """Programs get an HTTP answer. Pages in a browser cannot see one, so they are let in and
        told by the close code."""
        if error.status in (401, 403):
            client = (self._scope.get("client") or ("",))[0]
            who = audit.Acting(address=client, via=f"WEBSOCKET {self._scope['path']}")
            attempt = audit.Attempt("events.read", error.code, who=who, why=error.message)
            audit.refused(attempt, wait=False)
        browser = BEARER in (self._scope.get("subprotocols") or [])
        if browser or "websocket.http.response" not in (self._scope.get("extensions") or {}):
            await self._accept()
            await self._send({"type": "websocket.close", "code": code, "reason": str(error)[:120]})
            return
        headers = [(b"content-type", b"application/json")]
        await self._send(
            {"type": "websocket.http.response.start", "status": error.status, "headers": headers}
        )
        await self._send({"type": "websocket.http.response.body", "body": errors.envelope(error)})


def picture(event: EventInfo) -> Message:
    """As ``/api/events`` has it."""
    return asdict(event)

"""What a web process knows by heart: who may call, and the models that can be called.

No query on a request's way, and no need of the database while it is down. Both are read again on
every hint and from time to time; what is not found is looked for once more, since whoever made a
key or a launch may use it before the hint about it has arrived.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from apps.accounts import api as accounts
from apps.accounts.api import Actor
from apps.inference.gateway.auth import Callers
from apps.inference.gateway.catalog import Catalog
from apps.inference.gateway.database import Line, ask
from apps.inference.gateway.http import Exchange
from apps.inference.gateway.kept import Kept
from apps.models.api import ServedModel
from xplatform.core import errors, hints

#: requests that come before anything was read wait this long
_LOAD_SECONDS = 10.0
#: a hint about revoked keys may be lost; that something has changed is seen after this long
_VERSION_SECONDS = 0.4


class Memory:
    def __init__(self, on_callers: Callable[[], None] = lambda: None) -> None:
        """``on_callers`` is told when credentials may have ended."""
        self.callers = Callers()
        self.catalog = Catalog()
        self._on_callers = on_callers
        self._line = Line()
        #: of the credentials in memory
        self._version: int | None = None
        self._credentials = Kept("the credentials", self._read_credentials, self._changed)
        self._models = Kept("the models", self.catalog.refresh)

    # -- reading ------------------------------------------------------------------------------

    @property
    def loaded(self) -> bool:
        """Everything was read once; from then on it is kept, whatever happens."""
        return self._credentials.loaded.is_set() and self._models.loaded.is_set()

    async def until_loaded(self) -> None:
        """Right after the start no key is known; to say so would be wrong and final for clients."""
        try:
            async with asyncio.timeout(_LOAD_SECONDS):
                await self.read_once()
        except TimeoutError:
            raise errors.ServerStarting from None

    async def read_once(self) -> None:
        """However long it takes."""
        await self._credentials.loaded.wait()
        await self._models.loaded.wait()

    async def keep_models(self) -> None:
        await self._models.keep()

    async def keep_credentials(self) -> None:
        try:
            await self._credentials.keep(look_seconds=_VERSION_SECONDS)
        finally:
            self._line.close()

    def look_at_models(self) -> None:
        """Something has changed."""
        self._models.want()

    def look_at_credentials(
        self, revoked: Iterable[str] = (), lowered: accounts.Lowered | None = None
    ) -> None:
        """Something has changed; these are of no use any more, and these people may less."""
        if revoked or lowered:
            self.callers.revoke(revoked, lowered)
            self._on_callers()
        self._credentials.want()

    async def _changed(self) -> bool:
        return await self._line.ask(accounts.credentials_version) != self._version

    async def _read_credentials(self) -> None:
        began = time.monotonic()

        def read() -> tuple[int, accounts.Credentials]:
            # The number first: a change in between is read twice, and never missed.
            return accounts.credentials_version(), accounts.credentials()

        version, credentials = await ask(read)
        self.callers.take(credentials, began)
        self._on_callers()
        if version != self._version:
            self._version = version
            hints.tell(hints.KEYS)

    # -- for requests -------------------------------------------------------------------------

    async def admit(self, exchange: Exchange, action: str) -> Actor:
        """Who asks; from then on the exchange knows it, too. Raises NotAuthenticated, Forbidden and
        what else ``Callers.check`` does."""
        try:
            known = self.callers.check(exchange)
        except errors.KeyExpired:
            raise
        except errors.NotAuthenticated as error:
            if not error.challenge:
                raise
            # A flood of wrong keys costs a few looks at one number a second.
            await self._credentials.look_again()
            known = self.callers.check(exchange)
        exchange.record, exchange.actor = known
        if not known.actor.may(action):
            raise lacks(action)
        return known.actor

    async def model(self, name: str, actor: Actor) -> tuple[ServedModel, str]:
        """The model and the adapter (or "") of that name; raises ModelNotFound. What the caller
        may not see is not there, in any respect: not for the time that it takes to say so,
        either."""
        found = self.catalog.resolve(name, actor)
        if found is None:
            await self._models.look_again()
            found = self.catalog.resolve(name, actor)
            if found is None:
                raise self.catalog.missing(name, actor)
        return found


def lacks(action: str) -> errors.Forbidden:
    return errors.Forbidden(
        f"This needs the permission {action}, which this API key does not have.",
        data={"permission": action},
    )

"""The ASGI application of a web process: inference and the probes here, the rest in Django.

The routes of inference bypass Django on purpose: its middleware chain costs more than all the
work of a request here, and needs threads and the database, which this tier must not depend on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from django.urls import get_resolver

from apps.accounts import api as accounts
from apps.inference.gateway import cards, demand, metrics, refusals, waiting
from apps.inference.gateway.bills import Bills
from apps.inference.gateway.census import CensusTaker
from apps.inference.gateway.database import ask
from apps.inference.gateway.demand import Demand
from apps.inference.gateway.endpoints import Endpoints
from apps.inference.gateway.http import ClientGone, Exchange, Message, Receive, Scope, Send, named
from apps.inference.gateway.hub import Hub
from apps.inference.gateway.memory import Memory
from apps.inference.gateway.named import Named
from apps.inference.gateway.probes import Probes
from apps.inference.gateway.pulse import Pulse
from apps.inference.gateway.requests import Requests
from apps.inference.gateway.revoking import end_refused
from apps.inference.gateway.routes import Handler, Routes, parts
from apps.inference.gateway.used import Used
from apps.inference.gateway.waiting import Waiting, start_failed
from apps.inference.openai import results
from apps.metering.api import make_gate
from xplatform.celery import app as celery_app
from xplatform.core import errors, hints
from xplatform.core.channels import channel_layer
from xplatform.core.config import Settings
from xplatform.core.errors import PlatformError
from xplatform.core.sender import TaskSender

log = logging.getLogger(__name__)

_SWEEP_SECONDS = 1.0


class Gateway:
    def __init__(self, django: Any, settings: Settings) -> None:
        self._django = django
        self._settings = settings
        self._routes = Routes({}, {})
        self._tasks: list[asyncio.Task[None]] = []
        self._exchanges: set[Exchange] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            found = self._routes.find(scope["method"], scope["path"])
            if found is None:
                await self._django(scope, receive, named(scope, send))
            else:
                await self._serve(scope, receive, send, *found)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._django(scope, receive, send)

    # -- one request --------------------------------------------------------------------------

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, handler: Handler, route: str
    ) -> None:
        exchange = Exchange(scope, receive, send, self._settings.client_stall_timeout)
        self._exchanges.add(exchange)
        try:
            try:
                if not self.memory.loaded and exchange.path.startswith("/v1/"):
                    await self.memory.until_loaded()
                await handler(exchange)
            except PlatformError as error:
                refusals.note(exchange, error)
                if exchange.started:
                    raise
                await exchange.answer_error(error)
            except Exception as error:
                if isinstance(error, ClientGone):
                    raise
                log.exception("request %s failed", exchange.request_id)
                if not exchange.started:
                    await exchange.answer_error(errors.Internal())
        except ClientGone:
            exchange.outcome = 499
        except asyncio.CancelledError:
            if exchange.gone:
                exchange.outcome = 499
            elif not exchange.started:
                # The server stops, and the time to drain is over.
                await exchange.answer_error(errors.ServerStopping())
            else:
                raise
        finally:
            self._exchanges.discard(exchange)
            exchange.release()
            self._used.note(exchange.record)
            self._account(exchange, route)

    def _account(self, exchange: Exchange, route: str) -> None:
        if not route.startswith("/v1/"):
            return
        age = exchange.age()
        metrics.REQUESTS.labels(route, exchange.model, str(exchange.outcome)).inc()
        metrics.DURATION.labels(route, exchange.model).observe(age)
        if exchange.model and exchange.method == "POST" and "{" not in route:
            self._pulse.answered(exchange.model, exchange.outcome)
        log.info(
            "%s %s %s model=%s %.1f ms %s",
            exchange.method, route, exchange.outcome, exchange.model or "-", age * 1000,
            exchange.request_id,
        )  # fmt: skip

    # -- life ---------------------------------------------------------------------------------

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message: Message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._start()
                except Exception as error:
                    log.exception("the web process cannot start")
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _start(self) -> None:
        self._sender = TaskSender(celery_app, "publisher")
        self.memory = Memory(self._end_refused)
        layer = channel_layer()
        self.hub = Hub(layer, self._settings, self._sender, self._hint, self._fleet)
        self._used = Used()
        self._demand = Demand(self.hub, self._sender)
        self._waiting = Waiting(self.hub, self.memory, self._sender)
        named = Named(self.hub, layer, self._waiting)
        CensusTaker(self.hub, self._exchanges)
        self._gate = make_gate(ask)
        self._gate.start()
        self._bills = Bills(self._gate)
        self.hub.on_late_end = self._bills.hear
        self._pulse = Pulse(self.hub, self.memory.catalog)
        endpoints = Endpoints(
            self._settings, self.memory, self.hub, self._waiting, named, self._gate, self._bills,
            self._pulse,
        )  # fmt: skip
        requests = Requests(self.memory, named)
        probes = Probes(self._settings, self.memory, self.hub, self._sender)
        self._routes = Routes(
            own={
                "/v1/chat/completions": {"POST": endpoints.chat},
                "/v1/completions": {"POST": endpoints.completions},
                "/v1/embeddings": {"POST": endpoints.embeddings},
                "/v1/tokenize": {"POST": endpoints.tokenize},
                "/v1/detokenize": {"POST": endpoints.detokenize},
                "/healthz": {"GET": probes.healthz, "HEAD": probes.healthz},
                "/readyz": {"GET": probes.readyz, "HEAD": probes.readyz},
                "/status": {"GET": probes.status},
                "/metrics": {"GET": probes.metrics},
            },
            shared={
                ("GET", "/v1/models"): self._models,
                ("GET", "/v1/models/{id}"): self._model,
                ("GET", "/v1/requests/{rid}/progress"): requests.progress,
                ("POST", "/v1/models/{uid}/requests/{rid}/abort"): requests.abort,
            },
        )
        loop = asyncio.get_running_loop()
        for work in (
            self._connect,
            self.memory.keep_models,
            self.memory.keep_credentials,
            self._used.keep_telling,
            self._look_at_waiting,
            self._tell_demand,
            self._pulse.keep_telling,
            self._sweep,
            self._warm_up,
        ):
            self._tasks.append(loop.create_task(work()))

    async def _stop(self) -> None:
        await self.hub.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._bills.sweep(all_of_them=True)
        await self._gate.stop()
        self._sender.close()

    async def _connect(self) -> None:
        """The broker may come later than we do."""
        while True:
            try:
                await self.hub.start()
                return
            except Exception as error:
                log.warning("the broker does not answer yet: %s", error)
                await asyncio.sleep(0.1)

    async def _warm_up(self) -> None:
        """Django imports its views at the first request for one, which would take a third of a
        second out of somebody's launch."""
        await self.memory.read_once()
        await asyncio.sleep(1.0)
        await asyncio.to_thread(lambda: get_resolver().url_patterns)

    async def _look_at_waiting(self) -> None:
        while True:
            await asyncio.sleep(waiting.SECONDS)
            try:
                self._waiting.look()
            except Exception:
                log.exception("looking at those who wait failed")

    async def _tell_demand(self) -> None:
        while True:
            await asyncio.sleep(demand.SECONDS)
            try:
                self._demand.tell()
            except Exception:
                log.exception("the demand could not be told")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self._bills.sweep()
            now = time.monotonic()
            for exchange in list(self._exchanges):
                if exchange.stalled(now):
                    log.info("%s: the client does not read", exchange.request_id)
                    exchange.give_up()
            self._end_refused()

    def _end_refused(self) -> None:
        if self._settings.on_revoke == "end":
            end_refused(self._exchanges, self.memory.callers, self.hub)

    def _hint(self, hint: dict[str, Any]) -> None:
        kind = str(hint.get("kind"))
        if kind == hints.KEYS:
            lowered = accounts.read_lowered(hint.get("lowered", ()))
            self.memory.look_at_credentials(hint.get("revoked", ()), lowered)
            return  # who listens for it is told when it can be read
        hints.tell(kind)
        if kind == "launch_failed":
            uid = str(hint.get("uid"))
            self.hub.fail_waiting(uid, start_failed(uid, str(hint.get("reason"))))
        self.memory.look_at_models()

    def _fleet(self) -> None:
        self.memory.look_at_models()

    # -- small routes -------------------------------------------------------------------------

    async def _models(self, exchange: Exchange) -> None:
        actor = await self.memory.admit(exchange, "models.read")
        models = self.memory.catalog.seen_by(actor)
        listed = [card for model in models for card in cards.cards(model, self.hub.fleet, actor)]
        await exchange.answer(results.models_answer(listed))

    async def _model(self, exchange: Exchange) -> None:
        actor = await self.memory.admit(exchange, "models.read")
        (name,) = parts(exchange.path)
        model, adapter = await self.memory.model(name, actor)
        card = cards.card(model, self.hub.fleet)
        if adapter:
            card = cards.adapter_card(card, adapter)
        await exchange.answer(results.model_answer(card))

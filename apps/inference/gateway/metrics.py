"""What Prometheus is told. One update per request, none per token."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from xplatform.engines.protocol import Usage

if TYPE_CHECKING:
    from apps.inference.gateway.catalog import Catalog
    from apps.inference.gateway.hub import Hub

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_registry = CollectorRegistry()
_seconds = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

REQUESTS = Counter(
    "xplatform_requests_total",
    "Requests to /v1, by route, model and HTTP status (499: the client left).",
    ("route", "model", "status"),
    registry=_registry,
)
DURATION = Histogram(
    "xplatform_request_duration_seconds",
    "From the request's arrival to the last byte of its answer.",
    ("route", "model"),
    buckets=_seconds,
    registry=_registry,
)
FIRST_TOKEN = Histogram(
    "xplatform_time_to_first_token_seconds",
    "From the request's arrival to the first piece of a streamed answer.",
    ("model",),
    buckets=_seconds,
    registry=_registry,
)
TOKENS = Counter(
    "xplatform_tokens_total",
    "Tokens as the engines counted them: prompt, cached (part of prompt), completion.",
    ("model", "kind"),
    registry=_registry,
)
REFUSED = Counter(
    "xplatform_requests_refused_total",
    "Requests that a limit refused, by its kind and whether it is of a key, user, project or all.",
    ("kind", "scope"),
    registry=_registry,
)
IN_FLIGHT = Gauge(
    "xplatform_requests_in_flight",
    "Requests that were admitted and have not ended.",
    registry=_registry,
    multiprocess_mode="livesum",
)
RESENT = Gauge(
    "xplatform_requests_resent",
    "Requests that were sent to a replica again because an attempt was lost, since the start.",
    registry=_registry,
    multiprocess_mode="livesum",
)
GAPS = Gauge(
    "xplatform_stream_gaps",
    "Gaps in the frames of replicas, since the start.",
    registry=_registry,
    multiprocess_mode="livesum",
)
REPLICAS = Gauge(
    "xplatform_replicas",
    "Replicas that are heard of, by model and state.",
    ("model", "state"),
    registry=_registry,
    multiprocess_mode="max",
)
SLOTS = Gauge(
    "xplatform_slots",
    "Requests that ready replicas of the model can run at once.",
    ("model",),
    registry=_registry,
    multiprocess_mode="max",
)
RUNNING = Gauge(
    "xplatform_slots_busy",
    "Requests that replicas of the model run.",
    ("model",),
    registry=_registry,
    multiprocess_mode="max",
)

_seen: set[tuple[str, str]] = set()


def count_usage(model: str, usage: Usage) -> None:
    TOKENS.labels(model, "prompt").inc(usage.prompt_tokens)
    TOKENS.labels(model, "completion").inc(usage.completion_tokens)
    if usage.cached_tokens:
        TOKENS.labels(model, "cached").inc(usage.cached_tokens)


def render(hub: Hub, catalog: Catalog) -> bytes:
    IN_FLIGHT.set(hub.tickets)
    RESENT.set(hub.resent)
    GAPS.set(hub.gaps)
    counts = dict.fromkeys(_seen, 0)
    for beat in hub.fleet.all():
        label = (beat.model, hub.fleet.state(beat))
        counts[label] = counts.get(label, 0) + 1
    # A label stays once it was told: files of several processes cannot forget one.
    _seen.update(counts)
    for (uid, state), count in counts.items():
        REPLICAS.labels(uid, state).set(count)
    for uid in {model.uid for model in catalog.all()} | {uid for uid, _ in counts}:
        ready = hub.fleet.ready(uid)
        SLOTS.labels(uid).set(sum(beat.slots for beat in ready))
        RUNNING.labels(uid).set(sum(beat.running for beat in ready))
    registry = _registry
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)

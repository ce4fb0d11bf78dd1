"""How models, launches and nodes look to everybody else: frozen pictures, read in few queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from apps.models.models import DEFAULT_PROJECT, Event, Launch, Model, Node, Replica
from apps.models.states import LIVE, WANTED, LaunchState, ReplicaState
from xplatform.core.errors import NotFound

_EVENTS_SHOWN = 50
_REPLICAS_SHOWN = 10

#: what a model of a kind can do as long as its engine has never said
_ABILITIES = {"llm": ("chat", "completion"), "embedding": ("embedding",)}


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What a web process knows of a model that can be called."""

    uid: str
    kind: str
    engine: str
    #: None: not known before it first was ready
    context_length: int | None
    abilities: tuple[str, ...]
    #: sampling fields and others that the engine honours; empty: not known yet
    parameters: tuple[str, ...]
    #: stopped, starting, ready, failed
    state: str
    #: why it failed last, or what it waits for
    reason: str
    #: requests that run at once in one replica
    slots: int
    created: int
    replicas_ready: int
    #: of the replica that is nearest to ready
    progress: float
    message: str
    #: what else the engine told of the model
    details: dict[str, Any] = field(default_factory=dict)
    #: as in the catalogue; empty where there is nothing to tell
    family: str = ""
    size: str = ""
    format: str = ""
    quantization: str = ""
    #: names of its adapters: each can be called as ``<uid>:<name>``
    adapters: tuple[str, ...] = ()
    #: how long its last start took
    start_seconds: float | None = None
    #: where its replicas run, and on what
    nodes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    #: slug of the project that it belongs to
    project: str = DEFAULT_PROJECT
    #: other projects see it and call it, too
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ReplicaInfo:
    id: str
    epoch: int
    node: str
    state: str
    progress: float
    message: str
    pid: int | None
    created: datetime
    changed: datetime
    #: ids of its node's devices; empty: the processor
    devices: tuple[str, ...] = ()
    #: bytes it is counted with, and the most that was measured
    memory: int = 0
    memory_peak: int = 0
    #: why it is to go when another has taken its place
    leaving: str = ""
    #: the message for other languages; None: it is English only
    message_told: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class EventInfo:
    id: int
    at: datetime
    who: str
    uid: str
    subject: str
    before: str
    after: str
    why: str
    node: str = ""
    #: id of the replica
    replica: str | None = None
    #: slug of the model's; empty of a node
    project: str = ""
    #: ``why`` for other languages; None: it is English only
    why_told: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LaunchInfo:
    uid: str
    kind: str
    engine: str
    model_path: str
    slots: int
    context_length: int | None
    options: dict[str, Any]
    built_in: bool
    state: str
    reason: str
    progress: float
    message: str
    requested_by: str
    created: datetime
    retry_at: datetime | None
    replicas: tuple[ReplicaInfo, ...]
    #: newest last
    events: tuple[EventInfo, ...] = ()
    #: reason and message for other languages; None: they are English only
    reason_told: dict[str, Any] | None = None
    message_told: dict[str, Any] | None = None
    origin: str = "launch"
    family: str = ""
    family_version: int | None = None
    size: str = ""
    format: str = ""
    quantization: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    adapters: tuple[dict[str, Any], ...] = ()
    trust_remote_code: bool = False
    estimate: dict[str, Any] = field(default_factory=dict)
    #: replicas that should run now, and its bounds
    wanted: int = 1
    min_replicas: int = 1
    max_replicas: int = 1
    idle_seconds: float | None = None
    pinned: bool = False
    prewarm: bool = False
    launch_anyway: bool = False
    placement: dict[str, Any] = field(default_factory=dict)
    last_called: datetime | None = None
    start_seconds: float | None = None
    #: abilities and others, from when it last was ready
    abilities: tuple[str, ...] = ()
    #: slug of the project that it belongs to
    project: str = DEFAULT_PROJECT
    #: other projects see it and call it, too
    shared: bool = False


@dataclass(frozen=True, slots=True)
class NodeInfo:
    name: str
    address: str
    state: str
    heartbeat: datetime
    version: str
    devices: dict[str, Any]
    replicas: int
    labels: dict[str, str] = field(default_factory=dict)
    cordoned: bool = False
    draining: bool = False
    engines: dict[str, str] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)


def served_models() -> list[ServedModel]:
    """All models that can be called: running ones, and those that start when they are called.
    Two queries."""
    return [_served(launch) for launch in _visible()]


def launches(project: str | None = None) -> list[LaunchInfo]:
    """``project``: what this one sees, its own and shared ones; None: all."""
    return [_for(project, _launch_info(one)) for one in _visible().filter(seen_by(project))]


def running_launch(uid: str, project: str | None = None) -> LaunchInfo:
    """One of ``launches()``: with all its live replicas. Raises NotFound, also for one that was
    launched by hand and terminated."""
    launch = _visible().filter(seen_by(project), model__uid=uid).first()
    if launch is None:
        raise NotFound(f"There is no running model {uid[:100]!r}.", param="uid")
    return _for(project, _launch_info(launch))


def past_launches(project: str | None = None) -> list[LaunchInfo]:
    """What was launched by hand and terminated, as long as it is remembered; newest first."""
    over = (
        Launch.objects.select_related("model")
        .filter(seen_by(project), desired=Launch.Desired.STOPPED, model__origin=Model.Origin.LAUNCH)
        .order_by("-changed")
    )
    return [_for(project, _launch_info(launch, [])) for launch in over]


def launch_info(uid: str, project: str | None = None) -> LaunchInfo:
    """With the last replicas, ended ones too, and the last events. Raises NotFound."""
    known = Launch.objects.select_related("model").filter(seen_by(project), model__uid=uid)
    launch = known.first()
    if launch is None:
        raise NotFound(f"There is no launch {uid[:100]!r}.", param="uid")
    replicas = list(launch.replicas.order_by("-epoch")[:_REPLICAS_SHOWN])
    happened = Event.objects.filter(uid=uid, project=launch.model.project).order_by("-id")
    events = list(happened[:_EVENTS_SHOWN])
    return _for(project, _launch_info(launch, replicas, events[::-1]))


def nodes() -> list[NodeInfo]:
    running = Counter(Replica.objects.filter(state__in=LIVE).values_list("node", flat=True))
    return [
        NodeInfo(
            name=node.name,
            address=node.address,
            state=node.state,
            heartbeat=node.heartbeat,
            version=node.version,
            devices=node.devices,
            replicas=running[node.name],
            labels=node.labels,
            cordoned=node.cordoned,
            draining=node.draining,
            engines=node.engines,
            files=node.files,
        )
        for node in Node.objects.all()
    ]


def state_of(launch: Launch, replicas: Iterable[Replica]) -> LaunchState:
    if launch.desired == Launch.Desired.STOPPED:
        return LaunchState.STOPPED
    if any(replica.state == ReplicaState.READY for replica in replicas):
        return LaunchState.READY
    if launch.wanted == 0:
        return LaunchState.STOPPED
    return LaunchState.FAILED if launch.failed_at else LaunchState.STARTING


def seen_by(project: str | None, prefix: str = "model__") -> Q:
    """Of models or launches, what a project sees; None: all. For every query that people's answers
    come from."""
    if project is None:
        return Q()
    return Q(**{f"{prefix}project": project}) | Q(**{f"{prefix}shared": True})


def _for(project: str | None, info: LaunchInfo) -> LaunchInfo:
    """Others that may call a shared launch are not told who made it, and what of the machine."""
    if project in (None, info.project):
        return info
    return replace(
        info, requested_by="", events=(), model_path="", source={}, options={}, environment={}
    )


def _visible() -> QuerySet[Launch]:
    """A launch by hand that was terminated is gone for users; a built-in model stays."""
    live = Replica.objects.filter(state__in=LIVE).order_by("epoch")
    return (
        Launch.objects.select_related("model")
        .filter(Q(desired=Launch.Desired.RUNNING) | ~Q(model__origin=Model.Origin.LAUNCH))
        .order_by("model__uid")
        .prefetch_related(Prefetch("replicas", queryset=live))
    )


def _nearest(replicas: Iterable[Replica]) -> Replica | None:
    """The replica that is nearest to ready."""
    wanted = [replica for replica in replicas if replica.state in WANTED]
    return max(wanted, key=lambda r: (r.state == ReplicaState.READY, r.progress), default=None)


def _served(launch: Launch) -> ServedModel:
    model = launch.model
    replicas = launch.replicas.all()
    best = _nearest(replicas)
    info = model.info
    capabilities = info.get("capabilities") or {}
    return ServedModel(
        uid=model.uid,
        kind=model.kind,
        engine=model.engine,
        context_length=info.get("context_length") or model.context_length,
        abilities=_abilities(model),
        parameters=tuple(capabilities.get("parameters") or ()),
        state=state_of(launch, replicas).value,
        reason=launch.reason,
        slots=info.get("slots") or model.slots,
        created=int(model.created.timestamp()),
        replicas_ready=sum(replica.state == ReplicaState.READY for replica in replicas),
        progress=best.progress if best else 0.0,
        message=best.message if best else "",
        details=info.get("details") or {},
        family=model.family,
        size=model.size,
        format=model.format,
        quantization=model.quantization,
        adapters=tuple(adapter["name"] for adapter in model.adapters),
        start_seconds=launch.start_seconds,
        nodes=tuple(dict.fromkeys(replica.node for replica in replicas)),
        devices=tuple(device for replica in replicas for device in replica.devices),
        project=model.project,
        shared=model.shared,
    )


def _launch_info(
    launch: Launch, replicas: list[Replica] | None = None, events: Iterable[Event] = ()
) -> LaunchInfo:
    model = launch.model
    replicas = list(launch.replicas.all()) if replicas is None else replicas
    best = _nearest(replicas)
    return LaunchInfo(
        uid=model.uid,
        kind=model.kind,
        engine=model.engine,
        model_path=model.model_path,
        slots=model.slots,
        context_length=model.info.get("context_length") or model.context_length,
        options=model.options,
        built_in=model.origin == Model.Origin.BUILT_IN,
        state=state_of(launch, replicas).value,
        reason=launch.reason,
        reason_told=launch.reason_told,
        progress=best.progress if best else 0.0,
        message=best.message if best else "",
        message_told=best.message_told if best else None,
        requested_by=launch.requested_by,
        created=model.created,
        retry_at=launch.retry_at,
        replicas=tuple(_replica_info(replica) for replica in replicas),
        events=tuple(event_info(event) for event in events),
        origin=model.origin,
        family=model.family,
        family_version=model.family_version,
        size=model.size,
        format=model.format,
        quantization=model.quantization,
        source=model.source,
        environment=model.environment,
        packages=tuple(model.packages),
        adapters=tuple(model.adapters),
        trust_remote_code=model.trust_remote_code,
        estimate=model.estimate,
        wanted=launch.wanted if launch.desired == Launch.Desired.RUNNING else 0,
        min_replicas=launch.min_replicas,
        max_replicas=launch.max_replicas,
        idle_seconds=launch.idle_seconds,
        pinned=launch.pinned,
        prewarm=launch.prewarm,
        launch_anyway=launch.launch_anyway,
        placement=launch.placement,
        last_called=launch.last_called,
        start_seconds=launch.start_seconds,
        abilities=_abilities(model),
        project=model.project,
        shared=model.shared,
    )


def _replica_info(replica: Replica) -> ReplicaInfo:
    return ReplicaInfo(
        id=str(replica.pk),
        epoch=replica.epoch,
        node=replica.node,
        state=replica.state,
        progress=replica.progress,
        message=replica.message,
        pid=replica.pid,
        created=replica.created,
        changed=replica.changed,
        devices=tuple(replica.devices),
        memory=replica.memory,
        memory_peak=replica.memory_peak,
        leaving=replica.leaving,
        message_told=replica.message_told,
    )


def event_info(event: Event) -> EventInfo:
    return EventInfo(
        id=event.pk,
        at=event.at,
        who=event.who,
        uid=event.uid,
        subject=event.subject,
        before=event.before,
        after=event.after,
        why=event.why,
        node=event.node,
        replica=str(event.replica) if event.replica else None,
        project=event.project,
        why_told=event.why_told,
    )


def _abilities(model: Model) -> tuple[str, ...]:
    told = (model.info.get("capabilities") or {}).get("abilities")
    return tuple(told or _ABILITIES.get(model.kind, ()))

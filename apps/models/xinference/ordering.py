"""A launch in Xinference's form as an order in ours."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from apps.models import api, permitted
from apps.models.api import Adapter, LaunchInfo, LaunchOrder, Placement
from apps.models.caller import Caller
from apps.models.checks import check_engine
from apps.models.resolve import find_family, resolve
from apps.models.xinference.bodies import convert
from apps.models.xinference.engine_options import BY_ENGINE, fitted
from apps.models.xinference.names import engine_of, kind_of, size_of
from apps.models.xinference.placing import GpuCount, ReplicaConfig, placement, placements
from xplatform.core.config import settings
from xplatform.core.errors import (
    Conflict,
    InvalidRequest,
    InvalidValue,
    NotFound,
    PlatformError,
    Unsupported,
)

#: of an order, where they are called otherwise there
_FIELDS = {
    "uid": "model_uid",
    "kind": "model_type",
    "family": "model_name",
    "engine": "model_engine",
    "size": "model_size_in_billions",
    "format": "model_format",
    "max_replicas": "replica",
    "environment": "envs",
    "packages": "virtual_env_packages",
    "adapters": "peft_model_config",
}
_MOST_REPLICAS = 1000
_NOT_IN_UID = re.compile(r"[^A-Za-z0-9._:-]+")


class Lora(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lora_name: str
    local_path: str
    lora_scale: float = 1.0


class Peft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lora_list: list[Lora] | None = None
    image_lora_load_kwargs: dict[str, Any] | None = None
    image_lora_fuse_kwargs: dict[str, Any] | None = None


class LaunchBody(msgspec.Struct, frozen=True, kw_only=True):
    """What Xinference's clients send. Any other key is an option of the engine."""

    model_name: str
    model_uid: str | None = None
    model_type: str | None = "LLM"
    model_engine: str | None = None
    model_size_in_billions: int | float | str | None = None
    model_format: str | None = None
    quantization: str | None = None
    model_path: str | None = None
    replica: int | None = 1
    n_worker: int | None = 1
    n_gpu: GpuCount = "auto"
    gpu_idx: int | list[int] | None = None
    worker_ip: str | None = None
    replica_config: list[ReplicaConfig] | None = None
    peft_model_config: Peft | None = None
    request_limits: int | None = None
    enable_thinking: bool | None = None
    enable_virtual_env: bool | None = None
    virtual_env_packages: list[str] | None = None
    virtual_env_find_links: list[str] | None = None
    envs: dict[str, str] | None = None
    download_hub: str | None = None
    trust_remote_code: bool | None = None
    # Beyond Xinference: ours by their own names.
    slots: int | None = None
    context_length: int | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None
    idle_seconds: float | None = None
    pinned: bool | None = None
    prewarm: bool | None = None


_KNOWN = frozenset(LaunchBody.__struct_fields__)


class Ordered(msgspec.Struct, frozen=True):
    order: LaunchOrder
    #: of the replicas after the first, where each has a place of its own
    further: tuple[Placement, ...] = ()
    #: nobody chose the name, so another one will do
    name_is_free: bool = False


def read_launch(body: dict[str, Any], asks: Caller) -> Ordered:
    """Raises errors that name the field."""
    given = convert({key: value for key, value in body.items() if key in _KNOWN}, LaunchBody)
    options = {key: v for key, v in body.items() if key not in _KNOWN and v is not None}
    if not given.model_name.strip():
        raise InvalidValue("`model_name` is empty.", param="model_name")
    replicas = 1 if given.replica is None else given.replica
    if not 1 <= replicas <= _MOST_REPLICAS:
        raise InvalidValue(
            f"`replica` is {replicas}; it must be at least 1 and at most {_MOST_REPLICAS}.",
            param="replica",
        )
    _refuse_unsupported(given)
    if given.enable_thinking is not None:
        options["enable_thinking"] = given.enable_thinking
    places = _places(given, replicas)
    uid = given.model_uid or _uid(given.model_name)
    if _starts_by_name(given, asks.project):
        # All of it is known already; the name alone starts it.
        return Ordered(LaunchOrder(uid=uid, **asks.order()))
    order = LaunchOrder(
        uid=uid,
        kind=kind_of(given.model_type or "LLM"),
        family=given.model_name,
        engine=engine_of(given.model_engine or ""),
        size=size_of(given.model_size_in_billions),
        format=given.model_format or "",
        quantization=given.quantization or "",
        model_path=given.model_path or "",
        hub=given.download_hub or "",
        slots=_slots(given),
        context_length=given.context_length,
        options=options,
        environment=given.envs or {},
        packages=tuple(given.virtual_env_packages or ()),
        adapters=_adapters(given.peft_model_config),
        trust_remote_code=bool(given.trust_remote_code),
        min_replicas=replicas if given.min_replicas is None else given.min_replicas,
        max_replicas=max(replicas, given.max_replicas or 0, given.min_replicas or 0),
        idle_seconds=given.idle_seconds,
        pinned=bool(given.pinned),
        prewarm=bool(given.prewarm),
        placement=places[0],
        **asks.order(),
    )
    if len(places) > 1:
        order = msgspec.structs.replace(order, min_replicas=1, max_replicas=1)
    return Ordered(order, tuple(places[1:]), name_is_free=not given.model_uid)


def launch(ordered: Ordered) -> LaunchInfo:
    """Raises what ``api.launch`` raises; a name that nobody chose is made anew if it is taken."""
    within = ordered.order.project or None
    with spoken():
        order = completed(ordered.order)
        try:
            info = api.launch(order)
        except Conflict as error:
            if not ordered.name_is_free or error.param != "uid":
                raise
            uid = f"{order.uid[:90]}-{secrets.token_hex(4)}"
            info = api.launch(msgspec.structs.replace(order, uid=uid))
        try:
            for place in ordered.further:
                info = api.add_replicas(info.uid, 1, place, order.requested_by, within)
        except PlatformError:
            # All of them were asked for, or none.
            api.terminate(info.uid, order.requested_by, within)
            raise
    return info


def completed(order: LaunchOrder) -> LaunchOrder:
    """With the words that its engine knows. Which that is has to be found out first where nobody
    said, and it matters."""
    # What options mean is known with the engine; the rest is looked at before a node is asked.
    permitted.check_order(msgspec.structs.replace(order, options={}))
    if order.engine:
        # Before a node is asked for files that nothing could open.
        check_engine(order.engine)
    if order.model_path and order.family and not _is_known(order):
        # A file of one's own under a name of one's own.
        order = msgspec.structs.replace(order, family="")
    if not order.engine and not order.options.keys().isdisjoint(BY_ENGINE):
        order = resolve(order)
    return fitted(order)


def _is_known(order: LaunchOrder) -> bool:
    try:
        find_family(order.family, order.kind, order.project)
    except PlatformError:
        return False
    return True


@contextmanager
def spoken() -> Iterator[None]:
    """Errors about an order name its fields; callers here know them by Xinference's names."""
    try:
        yield
    except PlatformError as error:
        if (field := _FIELDS.get(error.param or "")) is not None:
            error.message = error.message.replace(f"`{error.param}`", f"`{field}`")
            error.param = field
        raise


def _uid(model_name: str) -> str:
    """``Qwen/Qwen3-0.6B`` → ``Qwen3-0.6B``."""
    tail = model_name.rstrip("/").rpartition("/")[2]
    return _NOT_IN_UID.sub("-", tail).lstrip("._:-")[:100] or "model"


def _starts_by_name(given: LaunchBody, project: str | None) -> bool:
    """A built-in model, which cannot be launched in any other way."""
    if given.model_path or given.model_uid not in (None, given.model_name):
        return False
    try:
        return api.launch_info(given.model_name, project).origin == "built_in"
    except NotFound:
        return False


def _places(given: LaunchBody, replicas: int) -> list[Placement]:
    indexes = [given.gpu_idx] if isinstance(given.gpu_idx, int) else given.gpu_idx
    if given.replica_config is None:
        return [placement(given.worker_ip, given.n_gpu, indexes, replicas)]
    if given.worker_ip or indexes:
        raise InvalidRequest(
            "`replica_config` says where each replica goes; leave out `worker_ip` and `gpu_idx`.",
            param="replica_config",
        )
    if len(given.replica_config) != replicas:
        raise InvalidValue(
            f"`replica_config` has {len(given.replica_config)} entries for {replicas} replicas.",
            param="replica_config",
        )
    return placements(given.replica_config)


def _slots(given: LaunchBody) -> int | None:
    """Over its limit of requests Xinference answers with an error; here the rest waits in line,
    so the limit is how many run at once."""
    if given.slots is not None or given.request_limits is None:
        return given.slots
    if given.request_limits < 1:
        raise InvalidValue(
            f"`request_limits` is {given.request_limits}; it must be at least 1.",
            param="request_limits",
        )
    return min(given.request_limits, settings().slots)


def _adapters(peft: Peft | None) -> tuple[Adapter, ...]:
    if peft is None:
        return ()
    return tuple(
        Adapter(name=lora.lora_name, path=lora.local_path, scale=lora.lora_scale)
        for lora in peft.lora_list or ()
    )


def _refuse_unsupported(given: LaunchBody) -> None:
    if given.n_worker not in (None, 1):
        raise Unsupported("n_worker", "", "A replica runs on one node; use more replicas.")
    if given.virtual_env_find_links:
        raise Unsupported(
            "virtual_env_find_links",
            "",
            "The setting `engine_index` names a folder of wheels for all engines.",
        )

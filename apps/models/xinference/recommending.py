"""How a model is best launched on the machines that are there, in Xinference's words."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from apps.models.api import LaunchOrder
from apps.models.caller import caller
from apps.models.resolve import resolve
from apps.models.xinference import families
from apps.models.xinference.bodies import read_body
from apps.models.xinference.face import Face, documented, form, list_of, said
from apps.models.xinference.names import engine_name, kind_of, size_of, size_shown
from apps.models.xinference.ordering import spoken
from apps.models.xinference.placing import GpuCount, placement
from xplatform.core.errors import InvalidValue, Unsupported

_MIB = 1 << 20
_WORDS = list_of(form(code="string", message="string"))
#: of an order: what no choice may meet, where the rest of an order is wrong in itself
_NOTHING_RUNS = frozenset({"engine", "model_size_in_billions", "model_engine"})

Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Slots = Annotated[int, Meta(ge=1, le=65535)]


class Constraints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model_size_in_billions: int | float | str | None = None
    worker_ip: str | None = None
    #: taken, and without effect: engines always have one
    enable_virtual_env: bool | None = None
    n_gpu: GpuCount = "auto"
    gpu_idx: int | list[int] | None = None
    context_length: Positive | None = None
    concurrency: Slots = 1
    vision_tokens: int = 0
    vision_tokens_per_image: int = 0
    prefix_cache_bytes: int = 0


class RecommendBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model_name: str
    model_type: str = "LLM"
    constraints: Constraints = Constraints()


class RecommendFace(Face):
    @documented(
        "How a model is best launched here",
        body=form("model_name", model_name="string", model_type="string", constraints="object"),
        answer=form(
            status="string",
            config={"type": "object", "nullable": True},
            reasons=_WORDS,
            warnings=_WORDS,
        ),
    )
    def post(self, request: Request) -> Response:
        body, asks = read_body(request, RecommendBody), caller(request)
        given = body.constraints
        for field in ("vision_tokens", "vision_tokens_per_image", "prefix_cache_bytes"):
            if getattr(given, field):
                raise Unsupported(
                    f"constraints.{field}", "", "Estimates here go by `context_length`."
                )
        kind = kind_of(body.model_type)
        family, _ = families.one(body.model_name, kind, asks.project)
        order = LaunchOrder(
            uid="recommended",
            kind=kind,
            family=family.name,
            size=size_of(given.model_size_in_billions),
            slots=given.concurrency,
            context_length=given.context_length,
            placement=placement(given.worker_ip, given.n_gpu, _indexes(given)),
            # Whoever launches it says whether they do.
            trust_remote_code=True,
            **asks.order(),
        )
        try:
            with spoken():
                chosen = resolve(order)
        except InvalidValue as error:
            if error.param not in _NOTHING_RUNS:
                raise
            return said(_answer(None, [_word("no_viable_candidates", error.message)], []))
        warnings = [
            _word(
                "memory_not_reserved",
                "What other models take now is looked at when it is launched.",
            )
        ]
        if family.remote_code and chosen.engine == "transformers":
            warnings.append(
                _word(
                    "trust_remote_code",
                    f"{family.name} brings code of its own: it is launched only with"
                    " `trust_remote_code`.",
                )
            )
        return said(_answer(_config(given, chosen), _reasons(chosen), warnings))


def _indexes(given: Constraints) -> list[int] | None:
    return [given.gpu_idx] if isinstance(given.gpu_idx, int) else given.gpu_idx


def _config(given: Constraints, chosen: LaunchOrder) -> dict[str, Any]:
    """What goes beside the name and the type into ``POST /v1/models``."""
    config: dict[str, Any] = {
        "model_engine": engine_name(chosen.engine),
        "model_format": chosen.format or None,
        "model_size_in_billions": size_shown(chosen.size),
        "quantization": chosen.quantization or None,
        "worker_ip": given.worker_ip,
        "gpu_idx": given.gpu_idx,
        "context_length": given.context_length,
        "slots": given.concurrency,
    }
    config = {name: value for name, value in config.items() if value is not None}
    # Here null has a meaning: the processor.
    return {**config, "n_gpu": given.n_gpu}


def _reasons(chosen: LaunchOrder) -> list[dict[str, str]]:
    reasons = [
        _word(
            "selection_policy",
            "The first engine that runs it on a node that is up, installed ones before others; then"
            " the usual size, format and quantization that fit the machines.",
        )
    ]
    if total := chosen.estimate.get("host_alone") or chosen.estimate.get("device"):
        reasons.append(
            _word("memory_estimate", f"One replica is expected to take {int(total) // _MIB} MiB.")
        )
    return reasons


def _answer(
    config: dict[str, Any] | None, reasons: list[dict[str, str]], warnings: list[dict[str, str]]
) -> dict[str, Any]:
    status = "no_recommendation" if config is None else "recommended"
    return {"status": status, "config": config, "reasons": reasons, "warnings": warnings}


def _word(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}

"""What could be launched instead of what does not fit: said with the refusal."""

from __future__ import annotations

from typing import Any

import msgspec

from apps.models import resolve
from apps.models.control.placement import Need, Refusal, place, size
from apps.models.control.rooms import rooms
from apps.models.orders import LaunchOrder
from xplatform.core.config import settings
from xplatform.core.errors import PlatformError
from xplatform.engines.reason import Reason

#: suggestions in one message
_MOST = 3
_SHORT_CONTEXT = 4096


def would_fit(order: LaunchOrder) -> list[Reason]:
    """What people are likely to want first: fewer requests at once, a shorter context,
    then a smaller quantization, then a smaller model."""
    if not order.estimate:
        return []
    there = rooms()

    def fits(expected: dict[str, Any]) -> bool:
        need = Need(
            wish=order.placement,
            device=expected.get("device"),
            host=int(expected.get("host") or 0),
            host_alone=_alone(expected),
            kinds=None,
            engine=order.engine,
        )
        return not isinstance(place(need, there, {}), Refusal)

    found = []
    slots = order.slots or settings().slots
    if slots > 1 and fits(_with_cache(order.estimate, 1 / slots)):
        found.append(Reason("with_slots", "`slots` 1", slots=1))
    context = order.context_length or 0
    if context > _SHORT_CONTEXT and fits(_with_cache(order.estimate, _SHORT_CONTEXT / context)):
        text = f"`context_length` {_SHORT_CONTEXT}"
        found.append(Reason("with_context", text, tokens=_SHORT_CONTEXT))
    if order.family:
        found += [reason for reason, expected in _smaller(order) if fits(expected)]
    return found[:_MOST]


def _with_cache(estimate: dict[str, Any], share: float) -> dict[str, Any]:
    """The same with a smaller cache, which lies where the model does."""
    less = int(estimate.get("cache", 0) * (1 - share))
    device = estimate.get("device")
    return {
        **estimate,
        "device": None if device is None else max(0, int(device) - less),
        "host_alone": max(0, _alone(estimate) - less),
    }


def _alone(estimate: dict[str, Any]) -> int:
    """Without an accelerator."""
    both = int(estimate.get("host") or 0) + int(estimate.get("device") or 0)
    return int(estimate.get("host_alone") or both)


def _smaller(order: LaunchOrder) -> list[tuple[Reason, dict[str, Any]]]:
    """Other quantizations and sizes in the same format on the same engine, the largest first."""
    try:
        family, _ = resolve.find_family(order.family, order.kind, order.project)
        open_order = msgspec.structs.replace(order, size="", quantization="")
        found = resolve.candidates(family, open_order, [])
    except PlatformError:
        return []
    asked = _alone(order.estimate)
    options = []
    for candidate in found:
        expected = candidate.takes
        if not expected or expected["host_alone"] >= asked:
            continue
        spec, name = candidate.choice
        same_size = spec.size == order.size
        if not same_size and not candidate.usual:
            continue
        takes = expected["host_alone"]
        if same_size:
            text = f"`quantization` {name} ({size(takes)})"
            reason = Reason("with_quantization", text, quantization=name, takes=takes)
        else:
            text = f"`size` {spec.size} in {name} ({size(takes)})"
            reason = Reason("with_size", text, size=spec.size, quantization=name, takes=takes)
        options.append((same_size, takes, reason, expected))
    options.sort(key=lambda option: (option[0], option[1]), reverse=True)
    return [(reason, expected) for _, _, reason, expected in options]

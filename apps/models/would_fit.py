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

#: suggestions in one message
_MOST = 3
_SHORT_CONTEXT = 4096


def would_fit(order: LaunchOrder) -> list[str]:
    """In words, what people are likely to want first: fewer requests at once, a shorter context,
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
        found.append("`slots` 1")
    context = order.context_length or 0
    if context > _SHORT_CONTEXT and fits(_with_cache(order.estimate, _SHORT_CONTEXT / context)):
        found.append(f"`context_length` {_SHORT_CONTEXT}")
    if order.family:
        found += [text for text, expected in _smaller(order) if fits(expected)]
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


def _smaller(order: LaunchOrder) -> list[tuple[str, dict[str, Any]]]:
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
        what = f"`quantization` {name}" if same_size else f"`size` {spec.size} in {name}"
        text = f"{what} ({size(expected['host_alone'])})"
        options.append((same_size, expected["host_alone"], text, expected))
    options.sort(key=lambda option: (option[0], option[1]), reverse=True)
    return [(text, expected) for _, _, text, expected in options]

"""Models that come with the platform."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apps.models import transitions
from apps.models.control import keeper
from apps.models.models import Launch, Model
from xplatform.core.config import settings
from xplatform.engines.reason import Reason

#: a node finds the file of ``builtin:`` in its own copy of the platform
BUILT_IN: dict[str, dict[str, Any]] = {
    "demo": {"kind": "llm", "engine": "llama.cpp", "model_path": "builtin:demo"}
}

#: what starts by itself goes when nobody called it for this long
IDLE_SECONDS = 300.0


def set_built_in(enabled: bool) -> None:
    """Make the built-in models known, or forget them. Done at every start of the server, since a
    new version may bring new ones; writes nothing when all is as it should be."""
    for uid, values in BUILT_IN.items():
        model = Model.objects.filter(uid=uid).first()
        if not enabled:
            if model is not None and model.origin == Model.Origin.BUILT_IN:
                _remove(model)
            continue
        wanted = {
            **values,
            "origin": Model.Origin.BUILT_IN,
            "slots": settings().slots,
            "shared": True,
        }
        with transaction.atomic():
            if model is None:
                model = Model.objects.create(uid=uid, **wanted)
                Launch.objects.create(
                    model=model, min_replicas=0, max_replicas=1, idle_seconds=IDLE_SECONDS
                )
            elif any(getattr(model, name) != value for name, value in wanted.items()):
                Model.objects.filter(pk=model.pk).update(**wanted)
            else:
                continue
            transitions.models_changed()


def _remove(model: Model) -> None:
    with transitions.locked(model=model) as launch:
        if launch is not None:
            keeper.stop_all(launch, Reason("built_in_off", "built-in models are switched off"))
        # Should an order get lost: nodes are told to end what nobody knows.
        model.delete()
        transitions.models_changed()

"""Which models can be called, from memory: the control plane's picture, kept when it is away."""

from __future__ import annotations

import difflib
import logging
import time
from fnmatch import fnmatchcase

from apps.accounts.api import Actor
from apps.inference.gateway.database import ask
from apps.models import api as models
from apps.models.api import ServedModel
from xplatform.core import errors

log = logging.getLogger(__name__)


class Catalog:
    def __init__(self) -> None:
        self._models: dict[str, ServedModel] = {}
        self.refreshed = 0.0

    async def refresh(self) -> None:
        served = await ask(models.served_models)
        self._models = {model.uid: model for model in served}
        self.refreshed = time.monotonic()

    def all(self) -> list[ServedModel]:
        return list(self._models.values())

    def find(self, uid: str) -> ServedModel | None:
        return self._models.get(uid)

    def seen_by(self, actor: Actor) -> list[ServedModel]:
        return [model for model in self._models.values() if _sees(actor, model)]

    def resolve(self, name: str, actor: Actor) -> tuple[ServedModel, str] | None:
        """The model, and the adapter if ``name`` is ``<uid>:<adapter>`` (else ""); None: there is
        none that the caller may see."""
        if (model := self._models.get(name)) is not None:
            return (model, "") if _sees(actor, model, name) else None
        uid, _, adapter = name.rpartition(":")
        model = self._models.get(uid)
        if model is None or adapter not in model.adapters or not _sees(actor, model, name):
            return None
        return model, adapter

    def missing(self, name: str, actor: Actor) -> errors.ModelNotFound:
        """What there is instead."""
        seen = self.seen_by(actor)
        uid, _, adapter = name.rpartition(":")
        for model in seen:
            if model.uid == uid:
                has = [a for a in model.adapters if _may_name(actor, model, f"{uid}:{a}")]
                listed = ", ".join(repr(f"{uid}:{other}") for other in has)
                return errors.ModelNotFound.said(
                    f"The model {uid!r} has no adapter {adapter[:100]!r}; "
                    + (f"it has {listed}." if has else "it has none."),
                    param="model",
                    data={"model": uid, "adapters": has},
                )
        known = [name for model in seen for name in names(model, actor)]
        return errors.ModelNotFound(
            name, difflib.get_close_matches(name[:200], known, n=3, cutoff=0.5)
        )


def names(model: ServedModel, actor: Actor) -> list[str]:
    """By which the caller may call it: its own, and with each of its adapters."""
    every = [model.uid, *(f"{model.uid}:{adapter}" for adapter in model.adapters)]
    return [name for name in every if _may_name(actor, model, name)]


def _sees(actor: Actor, model: ServedModel, name: str = "") -> bool:
    if not (model.shared or actor.sees(model.project)):
        return False
    return _may_name(actor, model, name) if name else bool(names(model, actor))


def _may_name(actor: Actor, model: ServedModel, name: str) -> bool:
    """By the globs of its credential. Who may call a model may call it with any adapter."""
    if not actor.models:
        return True
    return any(fnmatchcase(one, glob) for glob in actor.models for one in (name, model.uid))

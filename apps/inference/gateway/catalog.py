"""Which models can be called, from memory: the control plane's picture, kept when it is away."""

from __future__ import annotations

import difflib
import logging
import time

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

    def resolve(self, name: str) -> tuple[ServedModel, str] | None:
        """The model, and the adapter if ``name`` is ``<uid>:<adapter>`` (else "")."""
        if (model := self._models.get(name)) is not None:
            return model, ""
        uid, _, adapter = name.rpartition(":")
        model = self._models.get(uid)
        return (model, adapter) if model is not None and adapter in model.adapters else None

    def missing(self, name: str) -> errors.ModelNotFound:
        """What there is instead."""
        uid, _, adapter = name.rpartition(":")
        model = self._models.get(uid)
        if model is not None:
            has = ", ".join(repr(f"{uid}:{other}") for other in model.adapters)
            return errors.ModelNotFound.said(
                f"The model {uid!r} has no adapter {adapter[:100]!r}; "
                + (f"it has {has}." if has else "it has none."),
                param="model",
                data={"model": uid, "adapters": list(model.adapters)},
            )
        known = [*self._models, *(f"{m.uid}:{a}" for m in self.all() for a in m.adapters)]
        return errors.ModelNotFound(
            name, difflib.get_close_matches(name[:200], known, n=3, cutoff=0.5)
        )

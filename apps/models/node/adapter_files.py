"""The adapters of a replica that runs already: fetched here, then it is told where they are."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from apps.models.node.model_files import Cancelled, CannotPrepare, ModelFiles
from apps.models.node.preparation import spec_path
from apps.models.reports import ReplicaSpec
from xplatform.core.channels import tell_replica
from xplatform.core.config import Settings

log = logging.getLogger(__name__)

#: The control plane repeats an order until the replica has what it names; a hub that said no is
#: not asked so often.
_AGAIN_AFTER = 60.0

Key = tuple[str, int]
Adapters = list[dict[str, Any]]


class AdapterFiles:
    """Orders come on the threads of a Celery worker; each replica has one thread that fetches."""

    def __init__(
        self,
        settings: Settings,
        tell: Callable[[str, int, str, dict[str, Any]], None] = tell_replica,
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._lock = threading.Lock()
        #: newest orders of replicas that are being fetched for; None: it is at work on the newest
        self._orders: dict[Key, Adapters | None] = {}
        #: source → until when (monotonic) it is not tried again
        self._refused: dict[bytes, float] = {}

    def set(self, replica_id: str, epoch: int, adapters: Adapters) -> None:
        """Returns at once. All that the replica shall have from now on."""
        key = (replica_id, epoch)
        with self._lock:
            working = key in self._orders
            self._orders[key] = adapters
        if not working:
            threading.Thread(
                target=self._run, args=(key,), name=f"adapters-{replica_id}", daemon=True
            ).start()

    def _run(self, key: Key) -> None:
        while True:
            with self._lock:
                adapters = self._orders[key]
                if adapters is None:
                    del self._orders[key]
                    return
                self._orders[key] = None
            try:
                self._bring(key, adapters)
            except Exception:
                log.exception("the adapters of replica %s", key[0])

    def _bring(self, key: Key, adapters: Adapters) -> None:
        order = spec_path(self._settings, *key)
        try:
            spec = msgspec.json.decode(order.read_bytes(), type=ReplicaSpec)
        except (OSError, msgspec.DecodeError) as error:
            log.info("no adapters for replica %s: %s", key[0], error)  # it has ended
            return
        here: Adapters = []
        try:
            for adapter in adapters:
                here += self._fetched(spec, order, adapter)
        except Cancelled:
            return
        with self._lock:
            if self._orders[key] is not None:
                return  # a newer one follows
        self._tell(*key, "adapters", {"adapters": here})

    def _fetched(self, spec: ReplicaSpec, order: Path, adapter: dict[str, Any]) -> Adapters:
        """With its path; nothing, if it cannot be had: the others are not to wait for it."""
        named = {
            k: v for k, v in (adapter.get("source") or {}).items() if k not in ("peers", "token")
        }
        source = msgspec.json.encode(named, order="deterministic")
        if time.monotonic() < self._refused.get(source, 0.0):
            return []
        alone = msgspec.structs.replace(spec, source={}, adapters=[adapter])
        files = ModelFiles(alone, self._settings)
        cancelled = threading.Event()

        def look(fraction: float, line: str) -> None:
            if not order.exists():
                cancelled.set()  # the replica has ended

        try:
            found = files.fetch(cancelled, look).adapters
        except CannotPrepare as error:
            name, uid = adapter["name"], spec.model_uid
            log.error("adapter %r of %s is not attached: %s", name, uid, error)
            self._refused[source] = time.monotonic() + _AGAIN_AFTER
            return []
        files.hold(order)
        return found

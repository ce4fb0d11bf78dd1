"""The files of a replica: fetched before it starts, and in use for as long as it runs.

They are held by this process first, then by the replica's order in the run folder, which the
agent removes when it has counted the replica's end. So nobody has to give them back, whichever
process dies.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from apps.models.reports import ReplicaSpec
from xplatform import files
from xplatform.core.config import Settings
from xplatform.core.errors import PlatformError

#: (fraction, line)
Progress = Callable[[float, str], None]

#: bytes and speed change all the time; each report is a message and a row written
_TELL_EVERY = 1.0


class CannotPrepare(Exception):
    """The replica cannot be started; the text says why."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        #: trying again cannot help, unless somebody changes something
        self.final = final


class Cancelled(Exception):
    """Its end was asked for before it had begun."""


class ModelFiles:
    """Of one replica that is being prepared."""

    def __init__(self, spec: ReplicaSpec, settings: Settings) -> None:
        self._spec = spec
        self._files = files.files_of(settings)
        self._holder = f"{spec.model_uid} (replica {spec.replica_id}, epoch {spec.epoch})"
        self._held: list[Path] = []

    def fetch(self, cancelled: threading.Event, progress: Progress) -> ReplicaSpec:
        """The order with paths for all that it names a source of. Raises CannotPrepare and
        Cancelled."""
        spec = self._spec
        path = spec.model_path
        if spec.source and not path:
            path = self._path(spec.source, cancelled, progress)
        adapters = []
        for adapter in spec.adapters:
            given = dict(adapter)
            source = given.pop("source", None)
            if source and not given.get("path"):
                given["path"] = self._path(source, cancelled, progress)
            adapters.append(given)
        # The token was learnt; the order is written to disk, where it has no business.
        plain = {name: value for name, value in spec.source.items() if name != "token"}
        return msgspec.structs.replace(spec, model_path=path, adapters=adapters, source=plain)

    def hold(self, order: Path) -> None:
        """For as long as the file of the order is there."""
        for path in self._held:
            self._files.lease(path, self._holder, until_gone=order)

    def release(self) -> None:
        """It will not start."""
        if self._held:
            self._files.release(self._holder)

    def _path(self, source: Any, cancelled: threading.Event, progress: Progress) -> str:
        told = 0.0

        def tell(done: int, total: int, line: str) -> None:
            nonlocal told
            if time.monotonic() - told >= _TELL_EVERY:
                told = time.monotonic()
                # 1.0 is for a replica that is ready.
                progress(min(done / total, 0.99) if total else 0.0, line)

        try:
            wanted, peers = files.read_source(source)
            path = self._files.ensure(wanted, tell, cancelled, holder=self._holder, peers=peers)
        except files.Cancelled:
            raise Cancelled from None
        except msgspec.ValidationError as error:
            raise CannotPrepare(f"the order names no source: {error}", final=True) from None
        except PlatformError as error:
            raise CannotPrepare(error.message, final=not error.retryable) from None
        self._held.append(path)
        return str(path)

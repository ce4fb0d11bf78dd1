"""What nodes and replicas tell the control plane: the forms of ``TASK_OBSERVE`` and
``TASK_HEARTBEAT``, and of the order to start. Processes without Django import it too. Fields are
only ever added."""

from __future__ import annotations

import signal
from typing import Any, Literal

import msgspec


class Report(msgspec.Struct, omit_defaults=True):
    """One replica as its node or itself sees it. Repeating one is harmless, and wanted: a replica
    tells its state every few seconds, in case an earlier message was lost."""

    source: Literal["node", "replica"]
    replica_id: str
    epoch: int
    state: Literal["starting", "loading", "ready", "draining", "stopped", "failed"]
    progress: float = 0.0
    message: str = ""
    #: from the engine's Ready: kind, slots, context_length, capabilities, details
    info: dict[str, Any] = {}
    pid: int | None = None
    #: failed, and trying again cannot help: the model or an option is wrong
    final: bool = False
    #: Unix time at the sender, the same clock for a node and its replicas: tells late reports
    time: float = 0.0


class Listed(msgspec.Struct, omit_defaults=True):
    """A replica in a heartbeat. ``pid`` None and running: its environment is being prepared."""

    id: str
    epoch: int
    pid: int | None = None
    running: bool = True
    exit_code: int | None = None
    last_lines: list[str] = []
    #: why it could not be started
    reason: str = ""
    #: … and trying again cannot help
    final: bool = False
    #: resident bytes of the replica and its engine, and of its devices' memory
    memory: int = 0
    device_memory: int = 0

    @property
    def end(self) -> Literal["stopped", "failed"]:
        return "stopped" if self.exit_code == 0 and not self.reason else "failed"

    @property
    def why(self) -> str:
        """How it ended, as a person wants to read it: with its last words."""
        if self.reason:
            return self.reason
        words = "\n".join(line for line in self.last_lines if line.strip())
        return f"the replica's process {self._how()}" + (f":\n{words}" if words else "")

    def _how(self) -> str:
        code = self.exit_code
        if code is None:
            return "ended"
        if code >= 0:
            return f"ended with code {code}"
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"


class Heartbeat(msgspec.Struct):
    node: str
    time: float
    devices: dict[str, Any] = {}
    #: all replicas that the node has accepted and not yet forgotten
    replicas: list[Listed] = []
    version: str = ""
    address: str = ""
    labels: dict[str, str] = {}
    #: {engine: version} of the environments that are installed
    engines: dict[str, str] = {}
    #: {"downloads": […], "cached": […], "disk": {…}, "peer": address for copies if there is one};
    #: empty: nothing new since the last one
    files: dict[str, Any] = {}
    #: of the agent's home folder: two machines that go by one name have two
    instance: str = ""


class ReplicaSpec(msgspec.Struct):
    """The order to start a replica; with ``engine_python`` the file that the replica reads."""

    replica_id: str
    epoch: int
    model_uid: str
    node: str
    engine: str
    model_path: str
    kind: str = "llm"
    slots: int = 4
    context_length: int | None = None
    options: dict[str, Any] = {}
    engine_python: str = ""
    #: what to fetch when there is no ``model_path``: ``xplatform.files.Source``
    source: dict[str, Any] = {}
    #: ids of the node's devices; empty: the processor
    devices: list[str] = []
    environment: dict[str, str] = {}
    packages: list[str] = []
    adapters: list[dict[str, Any]] = []
    trust_remote_code: bool = False

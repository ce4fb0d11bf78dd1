"""What people may order: the form of a launch, the same for every face (REST, Xinference's API,
commands, registrations that are called by name). What values mean is checked in ``checks``."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from xplatform.files import Source

#: accelerators of one replica: a number, ``"auto"`` (one if the model fits on one, else the
#: processor), or None (the processor)
Count = int | Literal["auto"] | None


class Placement(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where replicas may run. Empty means anywhere."""

    #: names of nodes
    nodes: tuple[str, ...] = ()
    #: labels that a node must have, all of them
    labels: dict[str, str] = {}
    #: ids of devices ("cuda:0"): each replica gets ``count`` of these, or all of them if that says
    #: "auto"
    devices: tuple[str, ...] = ()
    count: Count = "auto"


class Adapter(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A LoRA. It can be called as ``<uid>:<name>``."""

    name: str
    #: a file or folder on the node, or ``source`` to fetch
    path: str = ""
    source: Source | None = None
    scale: float = 1.0


class LaunchOrder(
    msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True
):
    """A model to run under a name. What is left out is found by ``resolve``."""

    uid: str
    #: llm, embedding, …; empty: what its family or its files say, else llm
    kind: str = ""
    #: a name of the catalogue or of a registration; empty: a bare path or repository
    family: str = ""
    family_version: int | None = None
    engine: str = ""
    size: str = ""
    format: str = ""
    quantization: str = ""
    #: a file or folder on the node, or ``source`` to fetch
    model_path: str = ""
    source: Source | None = None
    #: where a family's files are to come from: huggingface, modelscope; empty: as it is set
    hub: str = ""
    #: requests that run at once in one replica
    slots: int | None = None
    #: tokens per request; None: what the model has
    context_length: int | None = None
    #: by the engine's own names
    options: dict[str, Any] = {}
    #: variables of the engine's process
    environment: dict[str, str] = {}
    #: extra packages for the engine's environment
    packages: tuple[str, ...] = ()
    adapters: tuple[Adapter, ...] = ()
    trust_remote_code: bool = False
    #: 0: nothing runs until it is called
    min_replicas: int = 1
    max_replicas: int = 1
    #: without a request for this long it goes down to ``min_replicas``; None: it does not
    idle_seconds: float | None = None
    #: never pushed out for another model
    pinned: bool = False
    #: starts with the server, also when ``min_replicas`` is 0
    prewarm: bool = False
    placement: Placement = Placement()
    #: start it though it is not expected to fit
    launch_anyway: bool = False
    #: what one replica is expected to take: {"device": bytes, "host": bytes, "key": …}
    estimate: dict[str, Any] = {}
    requested_by: str = ""
    #: slug of the project that it is launched in; empty: by somebody who sees all projects, in the
    #: default one
    project: str = ""
    #: other projects may call it
    shared: bool = False
    #: whoever ordered it may have code run and files opened (``permitted``)
    unsafe: bool = False

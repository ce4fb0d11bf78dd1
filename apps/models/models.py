"""What is known (Registration), is to run (Model, Launch), and runs (Replica, Node, Event).

``Registration`` and ``Launch`` are wished for by people, ``Replica`` and ``Node`` are observed.
Only ``apps.models.transitions`` writes the state of a replica.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.utils import timezone

from apps.models.states import ReplicaState

#: where things are made by whoever names no project
DEFAULT_PROJECT = "default"


class Kind(models.TextChoices):
    LLM = "llm", "language model"
    EMBEDDING = "embedding", "embedding model"
    RERANK = "rerank", "reranker"
    IMAGE = "image", "image model"
    AUDIO = "audio", "audio model"
    VIDEO = "video", "video model"
    FLEXIBLE = "flexible", "model with code of its own"


class Registration(models.Model):
    """A family that people added to the catalogue. Editing it makes a new version; launches keep
    the version that they were made from."""

    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=100)
    version = models.PositiveIntegerField(default=1)
    #: the newest version of the name, and not deleted
    current = models.BooleanField(default=True)
    #: of the form ``apps.models.catalogue.schema.Family``
    family: models.JSONField[dict[str, Any]] = models.JSONField()
    #: slug of the project that it belongs to
    project = models.CharField(max_length=50, default=DEFAULT_PROJECT, db_index=True)
    #: who registered it
    owner = models.CharField(max_length=150, blank=True)
    #: seen and used by all projects; changed by its own only
    shared = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "name", "version"], name="one_row_per_version"),
            models.UniqueConstraint(
                fields=["kind", "name"],
                condition=models.Q(current=True),
                name="one_current_version",
            ),
        ]
        ordering = ["kind", "name", "-version"]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} v{self.version}"


class Model(models.Model):
    """Something that can be served under a name."""

    Kind = Kind

    class Origin(models.TextChoices):
        #: comes with the platform; stays, and starts when it is called
        BUILT_IN = "built_in", "built in"
        #: made by a launch; gone when the launch is terminated
        LAUNCH = "launch", "by launch"
        #: a registration that is called by its own name
        REGISTERED = "registered", "registered"

    #: unique in the whole installation: it is what requests call it by
    uid = models.CharField(max_length=100, unique=True)
    #: slug of the project that it belongs to, with its launch, replicas and events
    project = models.CharField(max_length=50, default=DEFAULT_PROJECT, db_index=True)
    #: other projects see it and call it; only its own changes it
    shared = models.BooleanField(default=False)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.LLM)
    origin = models.CharField(max_length=16, choices=Origin, default=Origin.LAUNCH, editable=False)
    #: the catalogue's or a registration's name; empty for a bare path or repository
    family = models.CharField(max_length=100, blank=True)
    family_version = models.PositiveIntegerField(null=True, blank=True)
    size = models.CharField(max_length=16, blank=True, help_text="Billions of parameters.")
    format = models.CharField(max_length=16, blank=True)
    quantization = models.CharField(max_length=32, blank=True)
    #: a file or folder on the node, or empty: then ``source`` says what to fetch
    model_path = models.CharField(max_length=1000, blank=True)
    #: of the form ``xplatform.files.Source``: hub, id, revision, files
    source: models.JSONField[dict[str, Any]] = models.JSONField(default=dict, blank=True)
    engine = models.CharField(max_length=64)
    slots = models.PositiveIntegerField(default=4, help_text="Requests that run at once.")
    context_length = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tokens per request; empty: what the model has."
    )
    options = models.JSONField(default=dict, blank=True, help_text="By the engine's own names.")
    environment: models.JSONField[dict[str, str]] = models.JSONField(
        default=dict, blank=True, help_text="Environment variables of the engine's process."
    )
    #: extra packages for the engine's environment
    packages: models.JSONField[list[str]] = models.JSONField(default=list, blank=True)
    #: [{"name": …, "path": …, "scale": 1.0}]: each can be called as ``<uid>:<name>``
    adapters: models.JSONField[list[dict[str, Any]]] = models.JSONField(default=list, blank=True)
    #: code of the model's own repository may run
    trust_remote_code = models.BooleanField(default=False)
    #: what one replica is expected to take: {"device": bytes, "host": bytes, …}
    estimate: models.JSONField[dict[str, Any]] = models.JSONField(default=dict, editable=False)
    #: what the engine said when it last was ready: abilities, parameters, context length, details
    info: models.JSONField[dict[str, Any]] = models.JSONField(default=dict, editable=False)
    #: is to go when its last replica has ended; nobody can launch it meanwhile
    removing = models.BooleanField(default=False, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["uid"]

    def __str__(self) -> str:
        return self.uid

    @property
    def starts_on_call(self) -> bool:
        return self.origin != self.Origin.LAUNCH


class Launch(models.Model):
    """Whether and how often a model should run. The row is the lock of all its replicas."""

    class Desired(models.TextChoices):
        RUNNING = "running"
        STOPPED = "stopped"

    model = models.OneToOneField(Model, on_delete=models.CASCADE, related_name="launch")
    desired = models.CharField(max_length=16, choices=Desired, default=Desired.STOPPED)
    #: replicas that should run now: between the two bounds, by what is waiting
    wanted = models.PositiveIntegerField(default=1)
    min_replicas = models.PositiveIntegerField(default=1)
    max_replicas = models.PositiveIntegerField(default=1)
    #: without a request for this long it goes down to ``min_replicas``; empty: never
    idle_seconds = models.FloatField(null=True, blank=True)
    #: never pushed out for another model
    pinned = models.BooleanField(default=False)
    #: starts with the server, not only when called
    prewarm = models.BooleanField(default=False)
    #: where replicas may run: {"nodes": [], "labels": {}, "devices": [], "count": n | "auto" |
    #: null}; null: on no accelerator
    placement: models.JSONField[dict[str, Any]] = models.JSONField(default=dict, blank=True)
    #: starts though it is not expected to fit
    launch_anyway = models.BooleanField(default=False)
    #: the last request, or when it last became ready
    last_called = models.DateTimeField(null=True, blank=True, editable=False)
    #: when ``wanted`` was last changed by demand
    scaled_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: when all replicas that it had were last needed
    busy_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: made room for another model at this time: until the next call ``min_replicas`` is not kept
    pushed_out = models.DateTimeField(null=True, blank=True, editable=False)
    #: how long the last start took, from order to ready
    start_seconds = models.FloatField(null=True, blank=True, editable=False)
    #: of the newest replica; the next one gets the next number
    last_epoch = models.PositiveIntegerField(default=0, editable=False)
    #: failures in a row
    failures = models.PositiveIntegerField(default=0, editable=False)
    #: has any replica been ready since it was asked for?
    was_ready = models.BooleanField(default=False, editable=False)
    #: no new replica before this time
    retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: given up at this time; the next call tries once more
    failed_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: why the last replica failed, or what is waited for
    reason = models.TextField(blank=True, editable=False)
    #: … for other languages
    reason_told = models.JSONField(null=True, blank=True, editable=False)
    requested_by = models.CharField(max_length=150, blank=True, editable=False)
    changed = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "launches"

    def __str__(self) -> str:
        return f"launch of {self.model.uid}"


class Node(models.Model):
    """A machine with a node agent."""

    class State(models.TextChoices):
        UP = "up"
        SILENT = "silent"

    name = models.CharField(max_length=100, unique=True)
    address = models.CharField(max_length=255, blank=True)
    #: as the machine tells, with the operator's changes
    labels: models.JSONField[dict[str, str]] = models.JSONField(default=dict, blank=True)
    #: {name: value, or null to take one away}: holds against what the machine tells
    label_changes: models.JSONField[dict[str, str | None]] = models.JSONField(
        default=dict, blank=True, editable=False
    )
    #: takes no new replicas
    cordoned = models.BooleanField(default=False)
    #: and those that it has are to move away
    draining = models.BooleanField(default=False)
    #: of the token it joined with; null: a node of the server's own machine
    join_token = models.ForeignKey(
        "JoinToken", on_delete=models.SET_NULL, null=True, blank=True, related_name="nodes"
    )
    state = models.CharField(max_length=16, choices=State, default=State.UP, editable=False)
    #: of the home folder whose agent has the name now: another one is refused
    instance = models.CharField(max_length=32, blank=True, editable=False)
    #: by the control plane's clock; written every other second at most
    heartbeat = models.DateTimeField(default=timezone.now, editable=False)
    #: {"devices": [xplatform.devices.Device…], …}
    devices: models.JSONField[dict[str, Any]] = models.JSONField(default=dict, editable=False)
    #: downloads under way and what the cache holds, as the node last told
    files: models.JSONField[dict[str, Any]] = models.JSONField(default=dict, editable=False)
    #: engine environments that are installed: {engine: version}
    engines: models.JSONField[dict[str, str]] = models.JSONField(default=dict, editable=False)
    version = models.CharField(max_length=64, blank=True, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class JoinToken(models.Model):
    """Lets machines join the cluster. Stored as a keyed hash."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=20, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True, editable=False)
    last_used = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.name


class Replica(models.Model):
    """One start of a model on a node. A new start is a new row with a higher epoch."""

    State = ReplicaState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    launch = models.ForeignKey(Launch, on_delete=models.CASCADE, related_name="replicas")
    #: by name, since a node that was removed may come back
    node = models.CharField(max_length=100)
    epoch = models.PositiveIntegerField()
    state = models.CharField(
        max_length=16,
        choices=[(state.value, state.value) for state in ReplicaState],
        default=ReplicaState.SCHEDULED.value,
    )
    progress = models.FloatField(default=0.0)
    message = models.TextField(blank=True)
    #: … for other languages
    message_told = models.JSONField(null=True, blank=True)
    pid = models.PositiveIntegerField(null=True, blank=True)
    #: it goes when others have taken its place; why
    leaving = models.CharField(max_length=200, blank=True)
    #: ids of the node's devices that are its own
    devices: models.JSONField[list[str]] = models.JSONField(default=list)
    #: bytes of the machine's memory that placement counts it with beside its devices'
    host_memory = models.BigIntegerField(default=0)
    #: bytes of its devices, or without any of the machine's memory, that placement counts it
    #: with, and the most that was measured
    memory = models.BigIntegerField(default=0)
    memory_peak = models.BigIntegerField(default=0)
    #: from the engine's Ready: context_length, slots, capabilities, details
    info: models.JSONField[dict[str, Any]] = models.JSONField(default=dict)
    #: when (by its machine's clock) the newest report was made: older ones are overtaken
    reported = models.FloatField(default=0.0)
    #: when the last order (start, stop) was sent to the node
    ordered = models.DateTimeField(default=timezone.now)
    created = models.DateTimeField(default=timezone.now)
    changed = models.DateTimeField(default=timezone.now)
    #: when it became ready, first
    ready_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["launch", "epoch"], name="one_replica_per_epoch")
        ]
        indexes = [
            models.Index(fields=["launch", "state"]),
            models.Index(fields=["node", "state"]),
        ]
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.launch.model.uid} #{self.epoch} on {self.node}"


class Event(models.Model):
    """One change of state; written with it, never changed."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    #: control, node <name>, replica, or a person
    who = models.CharField(max_length=150)
    #: model uid, or empty for an event of a node
    uid = models.CharField(max_length=100, blank=True, db_index=True)
    #: slug of the model's project, or empty for an event of a node
    project = models.CharField(max_length=50, blank=True, db_index=True)
    #: replica <epoch>, launch, node <name>
    subject = models.CharField(max_length=150)
    node = models.CharField(max_length=100, blank=True, db_index=True)
    replica = models.UUIDField(null=True, blank=True, db_index=True)
    before = models.CharField(max_length=32, blank=True)
    after = models.CharField(max_length=32)
    why = models.TextField(blank=True)
    #: … for other languages
    why_told = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.uid} {self.subject}: {self.before} → {self.after}"


class Lease(models.Model):
    """Who may do the periodic work of the control plane now."""

    name = models.CharField(max_length=50, unique=True)
    holder = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(default=timezone.now)
    #: the last round, and since when rounds have come without a gap
    round_at = models.DateTimeField(default=timezone.now)
    rounds_since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"


class Demand(models.Model):
    """How much is asked of a model through one web process, as it last told."""

    launch = models.ForeignKey(Launch, on_delete=models.CASCADE, related_name="demand")
    web = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now)
    running = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    #: how long the first of those has been waiting
    oldest_seconds = models.FloatField(default=0.0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["launch", "web"], name="one_demand_per_web")]

    def __str__(self) -> str:
        return f"{self.launch.model.uid} at {self.web}: {self.running}+{self.waiting}"


class Keepsake(models.Model):
    """What a person keeps for themselves; nobody else sees it."""

    class Kind(models.TextChoices):
        FAVORITE = "favorite", "favourite model"
        LAUNCH = "launch", "launch to use again"
        HIDDEN = "hidden", "launch not to be listed"

    owner = models.CharField(max_length=150)
    kind = models.CharField(max_length=16, choices=Kind)
    #: of the family; of a launch its uid, too, where it was said
    name = models.CharField(max_length=512)
    uid = models.CharField(max_length=100, blank=True)
    data: models.JSONField[dict[str, Any]] = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(default=timezone.now)
    changed = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "kind", "name", "uid"], name="kept_once")
        ]
        ordering = ["name", "uid"]

    def __str__(self) -> str:
        return f"{self.owner}: {self.kind} {self.name}"


class MemorySample(models.Model):
    """What a model really took against its estimate: corrects the next one."""

    #: engine, architecture and format: what makes estimates wrong in the same way
    key = models.CharField(max_length=200, unique=True)
    ratio = models.FloatField()
    count = models.PositiveIntegerField(default=1)
    changed = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.key}: × {self.ratio:.2f}"

"""The shapes of ``/api/launches`` and ``/api/nodes``. What values mean is checked in actions."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.models.models import Model
from apps.models.orders import Adapter, LaunchOrder, Placement
from apps.models.states import LaunchState, ReplicaState
from xplatform.core.errors import InvalidValue
from xplatform.devices import Device
from xplatform.files import CachedInfo, DownloadInfo, Source
from xplatform.structs import AsToldSerializer, StructSerializer, ToldSerializer

T = TypeVar("T")


class SourceSerializer(StructSerializer):
    struct = Source


class LaunchSourceSerializer(StructSerializer):
    """Empty: the model is a path, or comes with the platform."""

    struct = Source
    partial_answer = True


class AdapterSerializer(StructSerializer):
    struct = Adapter


class LaunchPlacementSerializer(StructSerializer):
    struct = Placement


class LaunchEstimateSerializer(AsToldSerializer):
    """Bytes that one replica is expected to take; empty: nobody knows."""

    key = serializers.CharField(required=False, help_text="What is learned for.")
    device = serializers.IntegerField(required=False, help_text="On accelerators, …")
    host = serializers.IntegerField(
        required=False, help_text="… and in the machine's memory beside them."
    )
    host_alone = serializers.IntegerField(required=False, help_text="Without an accelerator.")
    weights = serializers.IntegerField(required=False)
    cache = serializers.IntegerField(required=False)
    kept = serializers.IntegerField(required=False)
    least = serializers.IntegerField(
        required=False, help_text="What it runs with at least, slower."
    )
    correction = serializers.FloatField(
        required=False, help_text="Learned from earlier launches; 1: nothing yet."
    )
    rough = serializers.BooleanField(required=False, help_text="Made from guessed facts.")


class ReplicaSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    epoch = serializers.IntegerField(help_text="Counts the starts of this model.")
    node = serializers.CharField()
    state = serializers.ChoiceField([state.value for state in ReplicaState])
    progress = serializers.FloatField(help_text="0 to 1")
    message = serializers.CharField()
    message_told = ToldSerializer(allow_null=True)
    pid = serializers.IntegerField(allow_null=True)
    devices = serializers.ListField(child=serializers.CharField())
    memory = serializers.IntegerField(help_text="Bytes that it is counted with.")
    memory_peak = serializers.IntegerField(help_text="The most that was measured.")
    leaving = serializers.CharField(help_text="Why it goes when another has taken its place.")
    created = serializers.DateTimeField()
    changed = serializers.DateTimeField()


class EventSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    who = serializers.CharField()
    subject = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    why = serializers.CharField()
    why_told = ToldSerializer(allow_null=True)
    node = serializers.CharField()
    replica = serializers.CharField(allow_null=True)


class LaunchSerializer(serializers.Serializer[Any]):
    uid = serializers.CharField()
    kind = serializers.ChoiceField(Model.Kind.values)
    engine = serializers.CharField()
    model_path = serializers.CharField()
    slots = serializers.IntegerField()
    context_length = serializers.IntegerField(allow_null=True)
    options = serializers.DictField(help_text="By the engine's own names.")
    built_in = serializers.BooleanField()
    origin = serializers.ChoiceField(Model.Origin.values)
    family = serializers.CharField()
    size = serializers.CharField()
    format = serializers.CharField()
    quantization = serializers.CharField()
    source = LaunchSourceSerializer()  # type: ignore[assignment]
    # Names only: values may be secrets. A mapping as a list is the list of its keys.
    variables = serializers.ListField(
        source="environment",
        child=serializers.CharField(),
        help_text="Names of the engine's environment variables; what they say is not shown.",
    )
    packages = serializers.ListField(child=serializers.CharField())
    trust_remote_code = serializers.BooleanField()
    adapters = AdapterSerializer(many=True)
    abilities = serializers.ListField(child=serializers.CharField())
    estimate = LaunchEstimateSerializer()
    wanted = serializers.IntegerField(help_text="Replicas that should run now.")
    min_replicas = serializers.IntegerField()
    max_replicas = serializers.IntegerField()
    idle_seconds = serializers.FloatField(allow_null=True)
    pinned = serializers.BooleanField()
    prewarm = serializers.BooleanField()
    launch_anyway = serializers.BooleanField()
    placement = LaunchPlacementSerializer()
    last_called = serializers.DateTimeField(allow_null=True)
    start_seconds = serializers.FloatField(
        allow_null=True, help_text="How long the last start took."
    )
    state = serializers.ChoiceField([state.value for state in LaunchState])
    reason = serializers.CharField(help_text="Why it failed last, or what it waits for.")
    reason_told = ToldSerializer(allow_null=True)
    progress = serializers.FloatField(help_text="0 to 1, of the replica nearest to ready")
    message = serializers.CharField()
    message_told = ToldSerializer(allow_null=True)
    requested_by = serializers.CharField()
    created = serializers.DateTimeField()
    retry_at = serializers.DateTimeField(allow_null=True)
    project = serializers.CharField(help_text="That it belongs to.")
    shared = serializers.BooleanField(help_text="Other projects see it and call it, too.")
    replicas = ReplicaSerializer(many=True)


class LaunchDetailSerializer(LaunchSerializer):
    events = EventSerializer(many=True)


@extend_schema_field(
    {
        "anyOf": [{"type": "integer"}, {"type": "string", "enum": ["auto"]}],
        "nullable": True,
    }
)
class CountField(serializers.JSONField):
    pass


class PlacementSerializer(serializers.Serializer[Any]):
    nodes = serializers.ListField(child=serializers.CharField(), required=False)
    labels = serializers.DictField(child=serializers.CharField(), required=False)
    devices = serializers.ListField(
        child=serializers.CharField(), required=False, help_text='Ids like "cuda:0".'
    )
    count = CountField(
        required=False,
        allow_null=True,
        help_text='Accelerators of a replica: a number, "auto", or null for none.',
    )


class NewLaunchSerializer(serializers.Serializer[Any]):
    uid = serializers.CharField(help_text="The name to call it by: `model` in requests.")
    family = serializers.CharField(
        required=False, help_text="A name of the catalogue or of a registration."
    )
    size = serializers.CharField(required=False, help_text="Billions of parameters.")
    format = serializers.CharField(required=False)
    quantization = serializers.CharField(required=False)
    model_path = serializers.CharField(
        required=False, help_text="A file or folder on the node. Not for built-in models."
    )
    source = SourceSerializer(  # type: ignore[assignment]
        required=False, help_text="Files to fetch."
    )
    hub = serializers.CharField(
        required=False, help_text="Where a family's files come from: huggingface or modelscope."
    )
    engine = serializers.CharField(required=False, help_text="Not for built-in models.")
    kind = serializers.CharField(required=False, help_text="llm, embedding, …")
    slots = serializers.IntegerField(
        required=False, allow_null=True, help_text="Requests that run at once."
    )
    context_length = serializers.IntegerField(
        required=False, allow_null=True, help_text="Tokens per request."
    )
    options = serializers.DictField(required=False, help_text="Options by the engine's own names.")
    environment = serializers.DictField(child=serializers.CharField(), required=False)
    packages = serializers.ListField(child=serializers.CharField(), required=False)
    adapters = serializers.ListField(child=AdapterSerializer(), required=False, help_text="LoRAs.")
    trust_remote_code = serializers.BooleanField(required=False)
    min_replicas = serializers.IntegerField(
        required=False, help_text="0: nothing runs until it is called."
    )
    max_replicas = serializers.IntegerField(
        required=False, help_text="If left out: as many as the least."
    )
    idle_seconds = serializers.FloatField(
        required=False,
        allow_null=True,
        help_text="Without a request for this long it goes down to `min_replicas`.",
    )
    pinned = serializers.BooleanField(
        required=False, help_text="Never pushed out for another model."
    )
    prewarm = serializers.BooleanField(required=False, help_text="Starts with the server.")
    placement = PlacementSerializer(required=False)
    launch_anyway = serializers.BooleanField(
        required=False, help_text="Start it though it is not expected to fit."
    )
    shared = serializers.BooleanField(required=False, help_text="All projects may call it.")

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if unknown := set(self.initial_data) - set(self.fields):
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                dict.fromkeys(sorted(unknown), f"There is no such field; there are: {known}")
            )
        return attrs


class AdaptersSerializer(serializers.Serializer[Any]):
    adapters = serializers.ListField(
        child=AdapterSerializer(), help_text="LoRAs: all there shall be."
    )


class DeviceSerializer(StructSerializer):
    struct = Device
    whole_answer = True


class DownloadSerializer(StructSerializer):
    struct = DownloadInfo


class CachedSerializer(StructSerializer):
    struct = CachedInfo


class DiskSerializer(AsToldSerializer):
    """Empty: the node has not told yet."""

    path = serializers.CharField(required=False)
    used = serializers.IntegerField(required=False, help_text="Bytes of model files.")
    free = serializers.IntegerField(required=False)
    total = serializers.IntegerField(required=False, help_text="Of the disk they lie on.")
    limit = serializers.IntegerField(
        required=False, allow_null=True, help_text="Of model files; null: none."
    )


class NodeDevicesSerializer(AsToldSerializer):
    """Empty: the node has not told yet."""

    devices = DeviceSerializer(many=True, required=False)
    cpus = serializers.IntegerField(required=False)
    memory_total = serializers.IntegerField(required=False, help_text="Bytes.")
    memory_available = serializers.IntegerField(required=False)
    cpu_percent = serializers.FloatField(required=False, help_text="Of all its processors.")


class NodeFilesSerializer(AsToldSerializer):
    """Empty for those who may not see what lies on the machines. Without the names of files."""

    downloads = DownloadSerializer(many=True, required=False)
    cached = CachedSerializer(many=True, required=False)
    disk = DiskSerializer(required=False)
    peer = serializers.CharField(required=False, help_text="Where other nodes copy from it.")


class NodeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    address = serializers.CharField()
    state = serializers.ChoiceField(["up", "silent"])
    heartbeat = serializers.DateTimeField()
    version = serializers.CharField()
    devices = NodeDevicesSerializer()
    replicas = serializers.IntegerField()
    labels = serializers.DictField(child=serializers.CharField())
    cordoned = serializers.BooleanField()
    draining = serializers.BooleanField()
    engines = serializers.DictField(
        child=serializers.CharField(), help_text="Those that are installed → their version."
    )
    files = NodeFilesSerializer()


def order(values: dict[str, Any]) -> LaunchOrder:
    """What a face was given, as an order. Raises InvalidValue naming the field."""
    if "max_replicas" not in values and isinstance(values.get("min_replicas"), int):
        values = {**values, "max_replicas": max(1, values["min_replicas"])}
    return _converted(values, LaunchOrder)


def adapters(values: dict[str, Any]) -> list[Adapter]:
    return _converted(values, _Adapters).adapters


class _Adapters(msgspec.Struct):
    adapters: list[Adapter]


def _converted(values: dict[str, Any], form: type[T]) -> T:
    try:
        return msgspec.convert(values, form)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".")
        raise InvalidValue(f"`{field}`: {text}.", param=field or None) from None

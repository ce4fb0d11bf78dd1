"""The shapes of ``/api/nodes`` and ``/api/join-tokens``. What values mean is checked in actions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.models.serializers import NodeDevicesSerializer


@extend_schema_field(NodeDevicesSerializer)
class _DevicesField(serializers.DictField):
    """What a machine tells is written down as it is."""


class LabelsSerializer(serializers.Serializer[Any]):
    labels = serializers.DictField(
        child=serializers.CharField(allow_null=True, allow_blank=True),
        help_text="Labels to set; null takes one away. Those that are not named stay.",
    )


class JoinTokenSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The beginning of the token, to tell tokens apart.")
    state = serializers.ChoiceField(["active", "revoked", "expired"])
    created = serializers.DateTimeField()
    created_by = serializers.CharField()
    expires = serializers.DateTimeField(allow_null=True)
    revoked = serializers.DateTimeField(allow_null=True)
    last_used = serializers.DateTimeField(allow_null=True)
    nodes = serializers.ListField(
        child=serializers.CharField(), help_text="Machines that joined with it."
    )


class NewJoinTokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, help_text="What the token is for.")
    expires = serializers.DateTimeField(required=False, allow_null=True, default=None)


class CreatedJoinTokenSerializer(JoinTokenSerializer):
    token = serializers.CharField(help_text="The token itself. It is shown this once.")


class JoinSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="What the machine is to be called.")
    instance = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=32,
        help_text="The same each time that this machine joins.",
    )  # fmt: skip
    version = serializers.CharField(required=False, allow_blank=True, default="")
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    devices = _DevicesField(required=False, default=dict)


class AdmissionSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    broker = serializers.CharField(help_text="Address with a password of this machine's own.")
    channels = serializers.CharField()
    settings = serializers.DictField(
        child=serializers.FloatField(),
        help_text="Settings of the cluster, for the machine to use.",
    )
    heartbeat = serializers.FloatField(help_text="Seconds between heartbeats.")
    silence = serializers.FloatField(help_text="Seconds after which it is taken for dead.")

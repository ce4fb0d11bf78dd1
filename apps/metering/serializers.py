"""The shapes of limits, prices and usage in REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.metering.reports import GROUPS
from apps.metering.rules import KINDS, SCOPES

_DECIMAL: dict[str, Any] = {"max_digits": 25, "decimal_places": 9, "normalize_output": True}
_GLOB = "Names of models; * and ? stand for others."


@extend_schema_field(
    {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "format": "decimal"}]}
)
class AmountField(serializers.DecimalField):
    """As a number or, where that would lose digits, as text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**_DECIMAL, min_value=0, **kwargs)


class LimitSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(list(KINDS))
    amount = serializers.DecimalField(**_DECIMAL)
    scope = serializers.ChoiceField(list(SCOPES))
    subject = serializers.CharField()
    project = serializers.CharField()
    model = serializers.CharField()
    note = serializers.CharField()
    created = serializers.DateTimeField()
    changed = serializers.DateTimeField()


class NewLimitSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(list(KINDS))
    amount = AmountField(help_text="Requests, tokens, or money in the set currency.")
    scope = serializers.ChoiceField(list(SCOPES))
    subject = serializers.CharField(
        max_length=64,
        required=False,
        default="",
        allow_blank=True,
        help_text="Id of a key, name or id of a user, name of a project; * for each one.",
    )
    project = serializers.CharField(
        max_length=50,
        required=False,
        default="",
        allow_blank=True,
        help_text="Of keys and users: only what they do in this project.",
    )
    model = serializers.CharField(max_length=200, required=False, default="*", help_text=_GLOB)
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class LimitChangeSerializer(serializers.Serializer[Any]):
    amount = AmountField(required=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


class PriceSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    model = serializers.CharField()
    input = serializers.DecimalField(**_DECIMAL)
    cached = serializers.DecimalField(**_DECIMAL)
    output = serializers.DecimalField(**_DECIMAL)
    request = serializers.DecimalField(**_DECIMAL)
    changed = serializers.DateTimeField()


class PriceChangeSerializer(serializers.Serializer[Any]):
    input = AmountField(required=False, help_text="Of a million tokens of prompts.")
    cached = AmountField(required=False, help_text="… that the engine had in its cache.")
    output = AmountField(required=False, help_text="Of a million tokens of answers.")
    request = AmountField(required=False, help_text="Of one request.")


class NewPriceSerializer(PriceChangeSerializer):
    model = serializers.CharField(max_length=200, help_text=_GLOB)


class UsageRowSerializer(serializers.Serializer[Any]):
    hour = serializers.DateTimeField(required=False)
    day = serializers.DateTimeField(required=False)
    month = serializers.DateTimeField(required=False)
    project = serializers.CharField(required=False)
    user = serializers.CharField(required=False)
    user_name = serializers.CharField(required=False)
    key = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    requests = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField(help_text="Part of prompt_tokens.")
    completion_tokens = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=25, decimal_places=9)

    def get_fields(self) -> dict[str, Any]:
        # A serializer has errors of its own.
        return {**super().get_fields(), "errors": serializers.IntegerField()}


class UsageSerializer(serializers.Serializer[Any]):
    group = serializers.ListField(child=serializers.ChoiceField(list(GROUPS)))
    currency = serializers.CharField()
    rows = UsageRowSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        # "from" is no name that a class could have.
        return {"from": serializers.DateTimeField(), "to": serializers.DateTimeField(), **fields}

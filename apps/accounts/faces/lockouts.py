"""``/api/lockouts``: which accounts and addresses wait, and letting them in again; and taking
away second factors that somebody has lost. For superusers."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import lockout
from apps.accounts.actions.locks import locks, unlock
from apps.accounts.actions.users import named
from apps.accounts.asking import actor_of
from apps.accounts.second_factor.actions import remove_all
from apps.audit import api as audit


class LockSerializer(serializers.Serializer[Any]):
    what = serializers.ChoiceField(["address", "account", "account from address"])
    account = serializers.CharField(help_text="Empty: a name that is no user's, or an address.")
    address = serializers.CharField()
    failures = serializers.IntegerField()
    seconds = serializers.IntegerField(help_text="For so long still.")


class UnlockSerializer(serializers.Serializer[Any]):
    account = serializers.CharField(max_length=150, required=False, default="")
    address = serializers.CharField(max_length=64, required=False, default="")


class UnlockedSerializer(serializers.Serializer[Any]):
    unlocked = serializers.IntegerField(help_text="How many doors were shut.")


class LocksView(APIView):
    @extend_schema(
        responses=LockSerializer(many=True),
        tags=["logins"],
        summary="Accounts and addresses that have to wait",
    )
    def get(self, request: Request) -> Response:
        return Response(LockSerializer(locks(), many=True).data)


class UnlockView(APIView):
    @extend_schema(
        request=UnlockSerializer,
        responses=UnlockedSerializer,
        tags=["logins"],
        summary="Let an account or an address try again",
        description="Both: that account from that address. Neither: everybody.",
    )
    def post(self, request: Request) -> Response:
        given = UnlockSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return Response({"unlocked": unlock(**given.validated_data, by=actor_of(request))})


class LostSecondFactorView(APIView):
    @extend_schema(
        responses={204: None},
        tags=["logins"],
        summary="Take away the second factors of somebody who has lost them",
    )
    def delete(self, request: Request, username: str) -> Response:
        user = named(username)
        with transaction.atomic():
            remove_all(user)
            audit.record(actor_of(request), "second_factor.remove_all", "user", user.username)
        lockout.unlock(account=username)
        return Response(status=204)

"""``/v1/admin/security/…``: what is locked after wrong passwords."""

from __future__ import annotations

import time
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.actions.locks import locks, unlock
from apps.accounts.asking import actor_of
from apps.accounts.lockout import FORGOTTEN_AFTER
from apps.accounts.xinference.face import OkSerializer, UnbannedSerializer, documented, ok, read
from apps.accounts.xinference.keys import BannedSerializer, IpSerializer
from xplatform.core.config import settings
from xplatform.core.errors import Conflict


class TriesSerializer(serializers.Serializer[Any]):
    max_failures = serializers.IntegerField()
    window_seconds = serializers.IntegerField()
    ban_seconds = serializers.IntegerField(help_text="The first wait; each failure doubles it.")


class RateLimitSerializer(serializers.Serializer[Any]):
    ip = TriesSerializer(help_text="Of one address, for all accounts.")
    key = TriesSerializer(help_text="Of one address, for one account.")


class RateLimitFace(APIView):
    @documented("When addresses are locked", answer=RateLimitSerializer)
    def get(self, request: Request) -> Response:
        tries, wait = settings().login_tries, int(settings().login_wait)
        return Response(
            {
                name: {
                    "max_failures": failures,
                    "window_seconds": FORGOTTEN_AFTER,
                    "ban_seconds": wait,
                }
                for name, failures in (("ip", tries * 10), ("key", tries))
            }
        )

    @documented("Refused: these are settings of the server", body=RateLimitSerializer)
    def put(self, request: Request) -> Response:
        raise Conflict(
            "These are settings of the server: login_tries, login_wait and login_longest_wait."
        )


class BannedIpsFace(APIView):
    @documented("Addresses that are locked", answer=BannedSerializer(many=True))
    def get(self, request: Request) -> Response:
        longest: dict[str, int] = {}
        for lock in locks():
            if lock.address:
                longest[lock.address] = max(longest.get(lock.address, 0), lock.seconds)
        now = time.time()
        return Response(
            [
                {"ip": ip, "banned_until": now + seconds, "remaining_seconds": seconds}
                for ip, seconds in longest.items()
            ]
        )


class UnbanIpFace(APIView):
    @documented("Unlock an address", body=IpSerializer)
    def post(self, request: Request) -> Response:
        unlock(address=read(IpSerializer, request)["ip"], by=actor_of(request))
        return ok()


class UnbanAllIpsFace(APIView):
    @documented("Unlock everybody", answer=UnbannedSerializer)
    def post(self, request: Request) -> Response:
        return Response({"unbanned": unlock(by=actor_of(request))})


class BannedKeysFace(APIView):
    @documented("None: keys are not banned", answer=BannedSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response([])


class UnbanKeyFace(APIView):
    @documented("Nothing: keys are not banned", answer=OkSerializer)
    def post(self, request: Request) -> Response:
        return ok()


class UnbanAllKeysFace(APIView):
    @documented("Nothing: keys are not banned", answer=UnbannedSerializer)
    def post(self, request: Request) -> Response:
        return Response({"unbanned": 0})

"""The ASGI application, for any server: ``uvicorn xplatform.asgi:application``."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xplatform.settings")
django_application = get_asgi_application()

# What follows needs Django's app registry.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # noqa: E402

from apps.inference.gateway.app import Gateway  # noqa: E402
from apps.models.events.long_poll import LongPoll  # noqa: E402
from apps.models.events.socket import events_socket, no_socket  # noqa: E402
from xplatform.core.config import settings  # noqa: E402
from xplatform.door import Door  # noqa: E402

_sockets: list[Any] = [
    path("ws/events", events_socket),  # type: ignore[arg-type]
    re_path(r"", no_socket),  # type: ignore[arg-type]
]
#: what the gateway does not answer itself
behind = ProtocolTypeRouter(
    {
        "http": LongPoll(django_application),
        "websocket": URLRouter(_sockets),
    }
)
application: Any = Door(Gateway(behind, settings()), settings())
if proxies := settings().proxies:
    # Before all else, and for all: from here on the client's address is the one that the last proxy
    # we trust was called from, for keys' networks, lockouts and the audit trail alike.
    application = ProxyHeadersMiddleware(application, trusted_hosts=proxies)

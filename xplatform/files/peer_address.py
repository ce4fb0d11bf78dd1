"""Where other nodes reach this one's files."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from xplatform.core.addresses import is_loopback, is_own_machine
from xplatform.core.config import Settings

#: of no machine (RFC 5737): the way to it is the way out of this one
_OUTSIDE = "192.0.2.1"


def peer_url(settings: Settings) -> str:
    """Empty when this node lets nobody copy. By the address that it has towards the cluster's
    broker, since names of machines need not be known to other machines."""
    if not (settings.peer_port and settings.peer_token):
        return ""
    host = _own_address(_broker(settings.channels_url)) or socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.peer_port}"


def _broker(url: str) -> str:
    """Its host; when that is this machine itself, somewhere else."""
    host = urlsplit(url).hostname or "localhost"
    return _OUTSIDE if is_own_machine(host) else host


def _own_address(towards: str) -> str:
    """Nothing is sent: the kernel only chooses the way. Empty: there is none."""
    try:
        found = socket.getaddrinfo(towards, 9, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as way:
            way.connect(address)
            own = str(way.getsockname()[0])
    except OSError:
        return ""
    return "" if is_loopback(own) else own

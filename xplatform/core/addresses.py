"""What a network address is: of this machine itself, of the public internet, or of what the
operator lets requests reach by ``fetch_allow``."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from xplatform.core.config import ConfigError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: IPv6 addresses with an IPv4 address in their last 32 bits, which is where they lead
_TRANSLATED: Final = (
    IPv6Network("64:ff9b::/96"),  # NAT64
    IPv6Network("::/96"),  # IPv4-compatible
    IPv6Network("::ffff:0:0:0/96"),  # SIIT
)
#: not private by their numbers, but no places of the public internet
_REFUSED: Final = (
    IPv4Network("168.63.129.16/32"),  # Azure's services for its own machines
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a site of its own
    IPv6Network("2001::/32"),  # Teredo
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("fec0::/10"),  # site-local
)


def is_public(address: Address) -> bool:
    """Not loopback, private, link-local (where clouds keep their metadata), shared (CGNAT),
    multicast, reserved, nor one of these in the clothes of IPv6."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _TRANSLATED):
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return address.is_global and not any(address in network for network in _REFUSED)


def is_loopback(text: str) -> bool:
    """An address of the machine itself, also as a socket of IPv6 shows one of IPv4."""
    try:
        address = read_address(text)
    except ValueError:
        return False  # a name, a Unix socket, or nothing
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def is_own_machine(host: str) -> bool:
    """By the name that every machine has for itself, too. No name is looked up."""
    return host == "localhost" or is_loopback(host)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator lets requests reach though it is not public."""

    hosts: frozenset[str] = frozenset()
    #: ``*.example.com`` as ``.example.com``
    suffixes: tuple[str, ...] = ()
    networks: tuple[Network, ...] = field(default=())

    def host(self, name: str) -> bool:
        return name in self.hosts or name.endswith(self.suffixes)

    def address(self, address: Address) -> bool:
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(
            network.version == address.version and address in network for network in self.networks
        )


@cache
def read_allowed(text: str) -> Allowed:
    """``files.example.com,*.corp.example,10.1.0.0/16``. Raises ConfigError."""
    hosts, suffixes, networks = set(), [], []
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        try:
            networks.append(ip_network(word.strip("[]"), strict=False))
            continue
        except ValueError:
            pass
        if "/" in word or ":" in word or "*" in word.removeprefix("*."):
            raise ConfigError(
                f"fetch_allow has {word!r}, which is no host (files.example.com, *.example.com)"
                " and no network (10.1.0.0/16)."
            )
        if word.startswith("*."):
            suffixes.append(word[1:])
        else:
            hosts.add(word.rstrip("."))
    return Allowed(frozenset(hosts), tuple(suffixes), tuple(networks))


def read_address(text: str) -> Address:
    """Of what a resolver says, without the name of an interface. Raises ValueError."""
    return ip_address(text.partition("%")[0])

"""What a new credential may be given: never more than its owner has, nor than whoever makes it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from apps.accounts.actor import Actor
from apps.accounts.matrix.actions import ACTIONS, actions_of
from apps.accounts.records import Network
from xplatform.core.errors import Forbidden, InvalidValue

#: of each list in a key
MOST: Final = 100
_LONGEST_GLOB: Final = 200


def actions(wanted: Sequence[str], role: str, by: Actor | None, own: bool) -> list[str]:
    """The scopes of a key for somebody with this role; empty: it follows all that they may."""
    chosen = sorted(set(_few(wanted, "actions")))
    for name in chosen:
        if name not in ACTIONS:
            raise InvalidValue(f"There is no action {name[:50]!r}.", param="actions")
        if name not in actions_of(role):
            raise InvalidValue(f"The owner may not {name}.", param="actions")
        if by is not None and not by.may(name):
            raise Forbidden(
                f"A key may not do more than you: this needs the permission {name}.",
                param="actions",
            )
    if chosen or by is None or by.superuser:
        return chosen
    if own and by.actions == actions_of(by.role):
        return []
    # A key that somebody else has made does not rise with its owner, who has never seen it; one
    # made by a scoped key stays within that scope.
    return sorted(by.actions & actions_of(role))


def models(wanted: Sequence[str], by: Actor | None) -> list[str]:
    globs = list(dict.fromkeys(_few(wanted, "models")))
    for glob in globs:
        if not glob.strip() or len(glob) > _LONGEST_GLOB:
            raise InvalidValue(f"{glob[:50]!r} names no models.", param="models")
        if by is not None and by.models and not any(covers(mine, glob) for mine in by.models):
            raise Forbidden(
                f"A key may not reach more models than you: {glob!r} is not within"
                f" {', '.join(by.models)}.",
                param="models",
            )
    return globs or list(by.models if by else ())


def networks(wanted: Sequence[str], by: Actor | None) -> list[str]:
    found = [_network(text) for text in _few(wanted, "networks")]
    mine = [ipaddress.ip_network(text) for text in by.networks] if by else []
    for network in found:
        if mine and not any(_is_part(network, other) for other in mine):
            raise Forbidden(
                f"A key may not be used from more places than yours: {network} is not within"
                f" {', '.join(map(str, mine))}.",
                param="networks",
            )
    return [str(network) for network in found or mine]


def covers(wide: str, narrow: str) -> bool:
    """Whether every name that one glob matches is matched by the other. Says no where it is hard
    to tell: a set of characters, or a place of exactly one."""
    if wide == narrow:
        return True
    if "[" in narrow or any(sign in wide for sign in "?["):
        return False
    return fnmatchcase(narrow, wide)


def _few(given: Sequence[str], param: str) -> Sequence[str]:
    if len(given) > MOST:
        raise InvalidValue(f"`{param}` has more than {MOST} entries.", param=param)
    return given


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise InvalidValue(
            f"{text[:50]!r} is no network; write it as 10.0.0.0/8 or 2001:db8::/32.",
            param="networks",
        ) from None


def _is_part(network: Network, other: Network) -> bool:
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]

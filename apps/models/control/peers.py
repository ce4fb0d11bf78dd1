"""Which nodes have the files that another one is to fetch, by their heartbeats: orders name them,
and the node copies from there what it can (``xplatform.files.peers``)."""

from __future__ import annotations

import logging
import random
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from apps.accounts.api import stored_secret
from apps.models.models import Node
from xplatform.core.errors import SecretUnreadable
from xplatform.files.source import shown

log = logging.getLogger(__name__)

#: they are asked one after the other, and each that is away costs a moment
_MOST = 4
#: what a node says goes into the orders of others, which send their token there
_URL = re.compile(r"https?://[^\s/@?#]+:\d{1,5}", re.ASCII)


#: hub → the stored secret that lets us in
_TOKENS = {"huggingface": "hf_token", "modelscope": "modelscope_token"}


def with_token(source: dict[str, Any]) -> dict[str, Any]:
    """With the token of the very hub that the node is to ask, empty if none is stored: a machine
    learns what it needs for its orders, and no other secret."""
    return _Tokens().given_to(source)


class _Tokens:
    """Each is read for the first source that needs it."""

    def __init__(self) -> None:
        #: None: it cannot be read
        self._known: dict[str, str | None] = {}

    def given_to(self, source: dict[str, Any]) -> dict[str, Any]:
        name = _TOKENS.get(str(source.get("hub")))
        if name is None:
            return source
        if name not in self._known:
            try:
                self._known[name] = stored_secret(name)
            except SecretUnreadable as error:
                # Public models must not wait for a secret that they do not need.
                log.error("%s: %s", name, error.message)
                self._known[name] = None
        token = self._known[name]
        return source if token is None else {**source, "token": token}


class Peers:
    """Read with the first source that is fetched: one query for the nodes, one for each token."""

    def __init__(self) -> None:
        self._tokens = _Tokens()

    def told(self, source: Mapping[str, Any], node: str) -> dict[str, Any]:
        """The source for an order to this node: with ``peers``, if there are any."""
        told = dict(source)
        if told.get("hub") in ("huggingface", "modelscope", "uri") and not told.get("peers"):
            id = str(told.get("id", ""))
            key = (str(told["hub"]), shown(id) if told["hub"] == "uri" else id)
            urls = [url for name, url in self._having[key] if name != node]
            if urls:
                # By chance: not all new replicas copy from the same one.
                told["peers"] = random.sample(urls, min(_MOST, len(urls)))
        return self._tokens.given_to(told)

    def adapters(self, adapters: list[dict[str, Any]], node: str) -> list[dict[str, Any]]:
        return [
            {**one, "source": self.told(one["source"], node)} if one.get("source") else one
            for one in adapters
        ]

    @cached_property
    def _having(self) -> defaultdict[tuple[str, str], list[tuple[str, str]]]:
        """(hub, name) → (node, its address). Which of the files are whole there, it says itself
        when it is asked; here only those count that have some and wait for none."""
        found: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        rows = Node.objects.filter(state=Node.State.UP).exclude(files={})
        for name, files in rows.values_list("name", "files"):
            url = str(files.get("peer") or "")
            if not _URL.fullmatch(url):
                continue
            for entry in files.get("cached", ()):
                if entry.get("size") and not entry.get("partial"):
                    key = (str(entry.get("hub")), str(entry.get("name")))
                    if (name, url) not in found[key]:
                        found[key].append((name, url))
        return found

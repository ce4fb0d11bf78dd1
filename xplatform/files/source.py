"""Where a model's files come from. The same form in the catalogue, in launches and on nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from xplatform.files import hub_tokens

#: ``path``: a file or folder that a node has already; ``uri``: file://, http(s)://, s3://
Hub = Literal["huggingface", "modelscope", "path", "uri"]


class Source(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    hub: Hub
    #: a repository (``owner/name``), an absolute path, or an URI
    id: str
    #: branch, tag or commit; empty: the hub's main branch
    revision: str = ""
    #: patterns of the files that are needed; empty: all
    files: tuple[str, ...] = ()
    #: the one file that the engine is to open (GGUF); empty: the folder
    entry: str = ""

    @property
    def name(self) -> str:
        """For people: of an address neither password nor signature."""
        return shown(self.id) if self.hub == "uri" else self.id


def read_source(source: Mapping[str, Any]) -> tuple[Source, list[str]]:
    """A source as orders carry it: ``peers`` beside its own fields are addresses of nodes that
    may have the files, ``token`` is for its hub. Raises msgspec.ValidationError."""
    fields = dict(source)
    peers = msgspec.convert(fields.pop("peers", []), list[str])
    if "token" in fields:
        hub_tokens.learn(str(fields.get("hub")), str(fields.pop("token")))
    return msgspec.convert(fields, Source), peers


def shown(uri: str) -> str:
    """For messages: without password, signature and checksum."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}" if parts.scheme else uri

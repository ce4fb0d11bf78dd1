"""What lies on the nodes: cached files, told apart by family, size, format and quantization, and
downloads on their way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from apps.models import api
from apps.models.api import NodeInfo
from apps.models.catalogue.choice import files_of, filled
from apps.models.catalogue.library import library
from apps.models.catalogue.schema import Family, Spec
from apps.models.nodes.ask import ask_node
from apps.models.xinference.names import engine_name, size_shown, type_of, version_name
from apps.models.xinference.placing import node_of
from xplatform.core.errors import PlatformError
from xplatform.engines.rules import RULES
from xplatform.files import CachedInfo, DownloadInfo

_ASK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Stored:
    """Cached files on a node, as one version of a family or as the bare repository."""

    node: str
    entry: CachedInfo
    family: Family | None = None
    spec: Spec | None = None
    quantization: str = ""

    @property
    def version(self) -> str:
        if self.family is None or self.spec is None:
            return self.entry.name
        return version_name(self.family, self.spec, self.quantization)


def nodes(worker_ip: str | None) -> list[NodeInfo]:
    """One of them, or all that are up. Raises InvalidValue."""
    if worker_ip:
        return [node_of(worker_ip)]
    return [node for node in api.nodes() if node.state == "up"]


def picture(node: NodeInfo) -> dict[str, Any]:
    """Downloads and cached files by the node's own word; if it does not answer, its last."""
    try:
        return ask_node(node.name, "files.list", timeout=_ASK_SECONDS)
    except PlatformError:
        return node.files


def downloads(worker_ip: str | None = None) -> list[tuple[str, DownloadInfo]]:
    return [
        (node.name, download)
        for node in nodes(worker_ip)
        for download in msgspec.convert(picture(node).get("downloads", []), list[DownloadInfo])
    ]


def cached(worker_ip: str | None = None, project: str | None = None) -> list[Stored]:
    """By name. A file that is in several versions' way is each one's."""
    places = _places(project)
    found = []
    for node in nodes(worker_ip):
        for entry in msgspec.convert(picture(node).get("cached", []), list[CachedInfo]):
            versions = [
                Stored(node.name, entry, family, spec, quantization)
                for family, spec, quantization in places.get((entry.hub, entry.name), ())
                if _is_there(spec, quantization, entry)
            ]
            found += versions or [Stored(node.name, entry)]
    return sorted(found, key=lambda one: (one.version.lower(), one.node))


def row(stored: Stored) -> dict[str, Any]:
    """As ``list_cached_models`` has it."""
    family, spec, entry = stored.family, stored.spec, stored.entry
    return {
        "model_name": family.name if family else entry.name,
        "model_type": type_of(family.kind) if family else None,
        "model_engine": _engines(family, spec),
        "model_size_in_billions": size_shown(spec.size) if spec else None,
        "model_format": spec.format if spec else None,
        "quantization": stored.quantization or None,
        "model_version": stored.version,
        "path": entry.path,
        "real_path": entry.path,
        "actor_ip_address": stored.node,
        "size_bytes": entry.size + entry.partial,
        "hub": entry.hub,
        "model_id": entry.name,
        "last_used": entry.last_used,
        "used_by": entry.used_by,
    }


def _engines(family: Family | None, spec: Spec | None) -> list[str] | None:
    """Of this version of ours that read the format at all."""
    if family is None or spec is None:
        return None
    return [
        engine_name(rule.engine)
        for rule in RULES.values()
        if family.kind in rule.kinds and spec.format in rule.formats and rule.engine != "fake"
    ]


def _is_there(spec: Spec, quantization: str, entry: CachedInfo) -> bool:
    """Of a GGUF repository only the files of some quantizations are fetched."""
    if spec.format != "ggufv2" or not (spec.file or spec.parts):
        return True
    return set(files_of(spec, quantization)) <= set(entry.files)


def _places(project: str | None) -> dict[tuple[str, str], list[tuple[Family, Spec, str]]]:
    """(hub, id) → the versions that are fetched from there."""
    places: dict[tuple[str, str], list[tuple[Family, Spec, str]]] = {}
    for family in _families(project):
        for spec in family.specs:
            for quantization in spec.quantizations:
                for repository in spec.repositories:
                    if repository.quantizations and quantization not in repository.quantizations:
                        continue
                    key = (repository.hub, filled(repository.id, quantization))
                    places.setdefault(key, []).append((family, spec, quantization))
    return places


def _families(project: str | None) -> Iterator[Family]:
    for info in api.registrations(None, project):
        yield info.family
    yield from library()

"""Environments of engines. Here each engine has one on a node, for all models that it runs."""

from __future__ import annotations

import sys
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.models.nodes.ask import ask_node
from apps.models.xinference.face import Face, documented, form, list_of, query, said
from apps.models.xinference.names import engine_name, engine_of
from apps.models.xinference.stored import nodes
from xplatform.core.errors import MissingField, NotFound, PlatformError

_TAG = "virtual environments"
_ENGINE = query("model_engine", "Of this engine.")
_WORKER = query("worker_ip", "On this node.")
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
#: an environment has thousands of files
_REMOVE_SECONDS = 120.0


class EnvironmentsFace(Face):
    @documented(
        "Environments of engines",
        tag=_TAG,
        answer=form(list=list_of({"type": "object"})),
        query=[_ENGINE, _WORKER],
    )
    def get(self, request: Request) -> Response:
        wanted = request.query_params.get("model_engine")
        engine = engine_of(wanted) if wanted else None
        found: list[dict[str, Any]] = []
        for node in nodes(request.query_params.get("worker_ip")):
            try:
                engines = ask_node(node.name, "engines.list")["engines"]
            except PlatformError:
                continue  # silent: nobody knows what it has
            found += [
                _entry(node.name, one)
                for one in engines
                if one["state"] in ("ready", "partial") and engine in (None, one["name"])
            ]
        return said({"list": found})

    @documented(
        "Remove an engine's environment",
        tag=_TAG,
        answer=form(result="boolean"),
        query=[query("model_engine", "Of this engine.", required=True), _WORKER],
    )
    def delete(self, request: Request) -> Response:
        engine = _engine(request)
        removed = [
            ask_node(node.name, "engines.remove", {"name": engine}, _REMOVE_SECONDS)["removed"]
            for node in nodes(request.query_params.get("worker_ip"))
        ]
        return said({"result": any(removed)})


class PackagesFace(Face):
    @documented(
        "Packages in an engine's environment",
        tag=_TAG,
        answer=form(packages=list_of(form(name="string", version="string"))),
        query=[query("model_engine", "Of this engine.", required=True), _WORKER],
    )
    def get(self, request: Request) -> Response:
        engine = _engine(request)
        for node in nodes(request.query_params.get("worker_ip")):
            packages = ask_node(node.name, "engines.packages", {"name": engine})["packages"]
            if packages:
                return said(
                    {
                        "model_name": request.query_params.get("model_name"),
                        "model_engine": engine_name(engine),
                        "python_version": _PYTHON,
                        "worker_ip": node.name,
                        "packages": packages,
                    }
                )
        raise NotFound(
            f"No node has an environment of {engine_name(engine)}.", param="model_engine"
        )


def _engine(request: Request) -> str:
    engine = request.query_params.get("model_engine")
    if not engine:
        raise MissingField(
            "`model_engine` is missing: environments belong to engines here.", param="model_engine"
        )
    return engine_of(engine)


def _entry(node: str, one: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_name": None,
        "model_engine": engine_name(one["name"]),
        "engine_version": one["version"],
        "state": one["state"],
        "path": one["path"],
        "real_path": one["path"],
        "python_version": _PYTHON,
        "actor_ip_address": node,
        "size_bytes": None,
    }

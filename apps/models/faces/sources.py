"""``/api/sources``: what lies at a repository, path or address, before anybody launches it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.models.caller import caller
from apps.models.catalogue.library import library
from apps.models.catalogue.schema import Family, Repository, Spec
from apps.models.control.peers import with_token
from apps.models.faces.estimates import EngineEstimateSerializer, engines_of, machine_for
from apps.models.faces.files import first_node
from apps.models.faces.registrations import FamilySerializer
from apps.models.facts import Facts
from apps.models.facts.look import Look, LookedFile
from apps.models.models import Kind
from apps.models.nodes.ask import ask_node
from apps.models.pasted import source_in
from apps.models.permitted import UNSAFE
from apps.models.serializers import SourceSerializer
from xplatform.core.config import settings
from xplatform.core.errors import Forbidden, MissingField
from xplatform.files import Source
from xplatform.structs import StructSerializer

_LOOK_SECONDS = 60.0
_NO_NAME = re.compile(r"[^A-Za-z0-9._+-]+")
_PLACEHOLDER = "{quantization}"


class LookedFileSerializer(StructSerializer):
    struct = LookedFile


class FactsSerializer(StructSerializer):
    struct = Facts


class KnownFamilySerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(Kind.values)
    name = serializers.CharField()
    size = serializers.CharField()
    format = serializers.CharField()
    quantization = serializers.CharField()


class LookedSourceSerializer(serializers.Serializer[Any]):
    source = SourceSerializer()  # type: ignore[assignment]
    node = serializers.CharField(help_text="That looked.")
    files = LookedFileSerializer(many=True, help_text="The first 500.")
    file_count = serializers.IntegerField()
    total = serializers.IntegerField(help_text="Bytes of all files.")
    quantizations = serializers.ListField(
        child=serializers.CharField(), help_text="Of GGUF files: one of them is launched."
    )
    quantization = serializers.CharField(help_text="That facts and engines are told for.")
    facts = FactsSerializer(allow_null=True, help_text="Null: `problem` says why.")
    problem = serializers.CharField(help_text="Why it is no model that can be read.")
    size = serializers.CharField(help_text="Billions of parameters; empty: not known.")
    known = KnownFamilySerializer(
        allow_null=True, help_text="The catalogue's family that has this repository."
    )
    engines = EngineEstimateSerializer(many=True)
    draft = FamilySerializer(help_text="To be registered, perhaps after a change.")


@extend_schema_view(
    get=extend_schema(
        parameters=[
            OpenApiParameter(
                "from",
                str,
                required=True,
                description="owner/name or its page, an absolute path, an address.",
            ),
            OpenApiParameter("hub", str, enum=["huggingface", "modelscope"]),
            OpenApiParameter("quantization", str),
            OpenApiParameter("node", str, description="That looks; the first, if absent."),
        ],
        responses=LookedSourceSerializer,
        summary="Look at a repository, path or address",
    )
)
class SourcesView(APIView):
    def get(self, request: Request) -> Response:
        query = request.query_params
        if not (text := query.get("from", "").strip()):
            raise MissingField("`from` says where to look.", param="from")
        source, named = source_in(text, query.get("hub", ""))
        if source.hub in ("path", "uri") and not caller(request).unsafe:
            raise Forbidden(
                "A path or an address of its own reads what the machine can: that needs the "
                f"permission {UNSAFE}.",
                param="from",
            )
        node = query.get("node") or first_node()
        question = {
            "source": with_token(msgspec.to_builtins(source)),
            "quantization": query.get("quantization") or named,
        }
        answer = ask_node(node, "facts.look", question, timeout=_LOOK_SECONDS)
        found = msgspec.convert(answer["look"], Look)
        where = machine_for(node)
        engines = (
            engines_of(found.facts, None, settings().slots, None, where) if found.facts else []
        )
        return Response(
            {
                "source": msgspec.to_builtins(source),
                "node": node,
                "files": msgspec.to_builtins(found.files),
                "file_count": found.file_count,
                "total": found.total,
                "quantizations": list(found.models),
                "quantization": found.quantization,
                "facts": msgspec.to_builtins(found.facts),
                "problem": found.problem,
                "size": found.facts.size if found.facts else "",
                "known": _known(source),
                "engines": engines,
                "draft": msgspec.to_builtins(draft(source, found)),
            }
        )


def _known(source: Source) -> dict[str, str] | None:
    known = library().of_repository(source.id) if source.hub not in ("path", "uri") else None
    if known is None:
        return None
    family, (spec, quantization) = known
    return {
        "kind": family.kind,
        "name": family.name,
        "size": spec.size,
        "format": spec.format,
        "quantization": "" if spec.format == "ggufv2" else quantization,
    }


def draft(source: Source, found: Look) -> Family:
    """A family of this source alone, as far as its files tell."""
    facts = found.facts or Facts()
    kind: Any = facts.kind or "llm"
    abilities = facts.abilities
    if kind == "llm" and not {"chat", "generate"} & set(abilities):
        abilities = ("generate", *abilities)
    return Family(
        name=_name(source),
        kind=kind,
        specs=(_spec(source, found, facts),),
        abilities=abilities,
        context_length=facts.context_length,
        dimensions=facts.dimensions if kind == "embedding" else None,
        architectures=(facts.architecture,) if facts.architecture else (),
        remote_code=facts.remote_code,
    )


def _spec(source: Source, found: Look, facts: Facts) -> Spec:
    repository = Repository(source.hub, source.id, revision=source.revision)
    format: Any = facts.format or ("ggufv2" if found.models else "pytorch")
    quantization = facts.quantization or found.quantization or "none"
    if format != "ggufv2" or not found.models:
        return Spec(format, (repository,), size=facts.size, quantizations=(quantization,))
    models = found.models
    if source.entry:
        models = {name: files for name, files in models.items() if source.entry in files}
    models = models or found.models
    if source.hub == "path" and source.id.lower().endswith(".gguf"):
        return Spec(format, (repository,), size=facts.size, quantizations=(quantization,))
    # The name that most of them have, but for the quantization; the others name their files.
    single = [files[0].replace(name, _PLACEHOLDER) for name, files in models.items()]
    pattern = max(single, key=single.count)
    parts = {
        name: tuple(files)
        for name, files in models.items()
        if files != [pattern.replace(_PLACEHOLDER, name)]
    }
    return Spec(
        format,
        (repository,),
        size=facts.size,
        quantizations=tuple(models),
        file=pattern if len(parts) < len(models) else "",
        parts=parts,
        projectors=(facts.projector,) if facts.projector else (),
    )


def _name(source: Source) -> str:
    last = source.name.rstrip("/").rsplit("/", 1)[-1].removesuffix(".gguf")
    return _NO_NAME.sub("-", last).strip("-._+")[:100] or "model"

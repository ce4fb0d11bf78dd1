"""Structs as serializers: what goes over the wire as a msgspec Struct stands in the OpenAPI
document field by field, from the Struct itself."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

_REF = "#/components/schemas/{name}"


#: of a ``Reason``, on the wire: texts, numbers, lists of texts, and reasons within reasons
Values = dict[str, Any]


class Told(msgspec.Struct, frozen=True):
    """What an English text beside it says, for other languages: their sentence is found by the
    code, and has these values in it."""

    code: str
    params: Values


class StructSerializer(serializers.BaseSerializer[Any]):
    """Shows a Struct, or the mapping that one was turned into, as it is. What is given by a caller
    has to be an object; what is in it is checked where the Struct is made."""

    default_error_messages = serializers.DictField.default_error_messages

    struct: ClassVar[type[msgspec.Struct]]
    #: any field may be missing: it was not told yet, or there is nothing to tell
    partial_answer: ClassVar[bool] = False
    #: no field is missing, though the Struct leaves out those that say nothing
    whole_answer: ClassVar[bool] = False

    def to_representation(self, instance: Any) -> Any:
        return instance if isinstance(instance, dict) else msgspec.to_builtins(instance)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        return data


class ToldSerializer(StructSerializer):
    struct = Told


class AsToldSerializer(serializers.Serializer[Any]):
    """A mapping that somebody else made, shown as it is: the fields say what to expect in it."""

    def to_representation(self, instance: Any) -> Any:
        return instance


class _InDocument(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = StructSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        struct: type[msgspec.Struct] = self.target.struct
        found = components([struct])
        own = found.pop(struct.__name__)
        if self.target.partial_answer:
            own.pop("required", None)
        if self.target.whole_answer:
            own["required"] = list(struct.__struct_encode_fields__)
        for name, schema in found.items():
            auto_schema.registry.register_on_missing(
                ResolvedComponent(  # type: ignore[no-untyped-call]
                    name, ResolvedComponent.SCHEMA, schema, object=name
                )
            )
        return own

    def get_identity(self, auto_schema: Any, direction: str) -> Any:
        # Another Struct may have named it already.
        return type(self.target).__name__.removesuffix("Serializer")


def components(structs: Iterable[type]) -> dict[str, dict[str, Any]]:
    """The schemas of these and of all within them, in the dialect of OpenAPI 3.0."""
    given = list(structs)
    _, found = msgspec.json.schema_components(given, ref_template=_REF)
    for struct in _all(given, set()):
        if not struct.__struct_config__.omit_defaults and struct.__name__ in found:
            # They are always written, whatever a reader would do without.
            found[struct.__name__]["required"] = list(struct.__struct_encode_fields__)
    for schema in found.values():
        del schema["title"]  # the class's name
    return {name: as_30(schema) for name, schema in found.items()}


def _all(types: Iterable[Any], seen: set[Any]) -> Iterator[type[msgspec.Struct]]:
    for one in types:
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            if one not in seen:
                seen.add(one)
                yield one
                yield from _all(typing.get_type_hints(one).values(), seen)
        else:
            yield from _all(typing.get_args(one), seen)


def as_30(node: Any) -> Any:
    """JSON Schema of today into the dialect of OpenAPI 3.0: null is a flag, not a type, an
    exclusive bound is a flag beside the bound, and an array has one kind of items."""
    if isinstance(node, list):
        return [as_30(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: as_30(value) for key, value in node.items() if key not in ("anyOf", "prefixItems")}
    if out.get("default", 0) is None:
        del out["default"]
    if out.get("required") == []:
        del out["required"]  # 3.0 wants at least one
    if "prefixItems" in node:
        kinds = [as_30(item) for item in node["prefixItems"]]
        out["items"] = kinds[0] if all(kind == kinds[0] for kind in kinds) else {"anyOf": kinds}
    if node.get("type") == "null":
        del out["type"]
        return {**out, "nullable": True, "enum": [None]}
    if "type" not in node and all(isinstance(value, str) for value in node.get("enum", [0])):
        out["type"] = "string"
    for bound in ("Minimum", "Maximum"):
        limit = out.get(f"exclusive{bound}")
        if isinstance(limit, int | float):
            out[bound.lower()] = limit
            out[f"exclusive{bound}"] = True
    if "anyOf" in node:
        some = [as_30(item) for item in node["anyOf"] if item != {"type": "null"}]
        if len(some) < len(node["anyOf"]):
            out["nullable"] = True
        if len(some) > 1:
            out["anyOf"] = some
        elif "$ref" in some[0]:
            out["allOf"] = some  # beside a $ref nothing else counts
        else:
            out = {**some[0], **out}
    return out

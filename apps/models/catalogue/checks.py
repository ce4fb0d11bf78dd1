"""What a family must fulfil beyond the types of its fields, each fault named by its field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from xplatform.core.errors import InvalidJSON, InvalidValue

from .schema import NAME, SIZE, Family, Repository, Spec

#: of the fields that an engine cannot do without
_HUBS = ("huggingface", "modelscope")
_OWNER_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9{][A-Za-z0-9._{}-]*$")
_PLACEHOLDER = "{quantization}"
#: msgspec ends its messages with the place: "… - at `$.specs[0].format`"
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"(?:required|unknown) field `(?P<field>[^`]+)`")
#: how msgspec's words begin → ours
_WORDS = {
    "Object missing required field": "is needed",
    "Object contains unknown field": "there is no such field",
    "Expected `str` of length >= 1": "is empty",
    "Expected `array` of length >= 1": "is empty",
    f"Expected `str` matching regex {NAME!r}": "takes at most 100 letters, digits and"
    " . _ + -, the first a letter or digit",
    f"Expected `str` matching regex {SIZE!r}": 'takes billions of parameters ("0.5", "7")',
}


def family_from_json(given: Any) -> Family:
    """A family in our own form (an object, as JSON gives it), or an error naming the field."""
    if not isinstance(given, dict):
        raise InvalidValue("A family is a JSON object.", param="family")
    try:
        family = msgspec.convert(given, Family)
    except msgspec.ValidationError as error:
        raise named(error, "family") from None
    return checked(family)


def family_of_bytes(text: bytes) -> Family:
    try:
        given = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidJSON(f"This is not JSON: {error}.") from None
    return family_from_json(given)


def checked(family: Family) -> Family:
    """The family itself if nothing is wrong with it, else the first fault as an error."""
    for where, what in problems(family):
        raise InvalidValue(f"{where}: {what}", param=where)
    return family


def problems(family: Family) -> Iterator[tuple[str, str]]:
    """Each fault as (field, what is wrong)."""
    if family.kind != "flexible" and family.architectures and "" in family.architectures:
        yield "architectures", "has an empty name"
    if family.kind == "embedding" and family.dimensions is None:
        yield "dimensions", "is needed for an embedding model: the length of its vectors"
    if family.kind == "llm" and not set(family.abilities) & {"chat", "generate"}:
        yield "abilities", "of an llm has chat or generate (or both) in it"
    for index, spec in enumerate(family.specs):
        for where, what in _problems_of(spec, family.kind):
            yield f"specs[{index}].{where}", what
    seen: set[tuple[str, str, str]] = set()
    for index, spec in enumerate(family.specs):
        for quantization in spec.quantizations:
            key = (spec.format, spec.size, quantization.lower())
            if key in seen:
                what = " ".join(filter(None, (spec.format, spec.size, quantization)))
                yield f"specs[{index}].quantizations", f"{what} is there twice"
            seen.add(key)


def _problems_of(spec: Spec, kind: str) -> Iterator[tuple[str, str]]:
    if kind == "llm" and not spec.size:
        yield "size", 'is needed for an llm: billions of parameters ("0.5", "7")'
    if any(not quantization for quantization in spec.quantizations):
        yield "quantizations", 'has an empty name; without quantization it is "none"'
    for index, repository in enumerate(spec.repositories):
        for where, what in _problems_of_repository(repository, spec):
            yield f"repositories[{index}].{where}", what
    if spec.format == "ggufv2":
        if not spec.file and not all(spec.parts.get(each) for each in spec.quantizations):
            # A path may be the file itself.
            if any(repository.hub in _HUBS for repository in spec.repositories):
                yield "file", "is needed for a GGUF: the file's name in the repository"
        elif len(spec.quantizations) > 1 and spec.file and _PLACEHOLDER not in spec.file:
            whole = [each for each in spec.quantizations if each not in spec.parts]
            if len(whole) > 1:
                yield "file", f"needs {_PLACEHOLDER} in it, since there are several quantizations"
    elif spec.file or spec.parts or spec.projectors:
        yield "file", f"only a GGUF has file, parts and projectors, this is {spec.format}"
    for quantization, names in spec.parts.items():
        if quantization not in spec.quantizations:
            yield "parts", f"{quantization!r} is none of its quantizations"
        if not names:
            yield "parts", f"{quantization!r} has no files"


def _problems_of_repository(repository: Repository, spec: Spec) -> Iterator[tuple[str, str]]:
    if repository.hub in _HUBS and not _OWNER_NAME.match(repository.id):
        yield "id", f"{repository.id!r} is not of the form owner/name"
    if repository.hub == "path" and not repository.id.startswith("/"):
        yield "id", f"{repository.id!r} is not an absolute path on the node"
    if repository.hub == "uri" and "://" not in repository.id:
        yield "id", f"{repository.id!r} is not an URI with its scheme (file, http, https, s3)"
    unknown = [each for each in repository.quantizations if each not in spec.quantizations]
    if unknown:
        yield "quantizations", f"{unknown[0]!r} is none of the spec's"
    here = repository.quantizations or spec.quantizations
    if (
        repository.hub in _HUBS
        and len(here) > 1
        and spec.format != "ggufv2"
        and _PLACEHOLDER not in repository.id
        and not any(_PLACEHOLDER in pattern for pattern in spec.files)
    ):
        yield "id", f"needs {_PLACEHOLDER} in it, since there are several quantizations"


def named(error: msgspec.ValidationError, whole: str) -> InvalidValue:
    """msgspec's fault as ours, with the field that it is in; ``whole`` if it is in none."""
    found = _PLACE.match(str(error))
    assert found is not None
    what, where = found["what"], found["where"] or ""
    field = _FIELD.search(what)
    if field is not None:
        where = f"{where}.{field['field']}" if where else field["field"]
    where = where or whole
    what = next((ours for theirs, ours in _WORDS.items() if what.startswith(theirs)), what)
    return InvalidValue(f"{where}: {what}.", param=where, data={"field": where})

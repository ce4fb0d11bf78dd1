"""From msgspec's short complaint to a message a caller can act on.

Only the failing path comes here, so it may be slow: the body is decoded once more without types,
the place is found in it, and what is allowed there is read from the JSON schema of the Struct.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from xplatform.core.errors import InvalidValue, MissingField, PlatformError, UnknownField

from .schema import Strict

Schema = dict[str, Any]
#: name of a field, number in a list, or None for "some key of this object"
Step = str | int | None

SHOWN: Final = 60

_AT: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?$", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_MISSING: Final = re.compile(r"^Object missing required field `(.*)`$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)


class Complaint:
    """What msgspec said, taken apart."""

    def __init__(self, error: msgspec.ValidationError) -> None:
        match = _AT.match(str(error))
        assert match is not None  # the pattern takes any text
        self.what: str = match["what"]
        self.path: list[Step] = [
            name or (None if number == "..." else int(number))
            for name, number in _STEP.findall(match["path"] or "")
        ]

    @property
    def unknown(self) -> str | None:
        match = _UNKNOWN.match(self.what)
        return match[1] if match else None

    @property
    def missing(self) -> str | None:
        match = _MISSING.match(self.what)
        return match[1] if match else None


def explain(kind: type[Strict], raw: Any, complaint: Complaint) -> PlatformError:
    """``raw`` is the whole body without types, ``kind`` what it should have been."""
    path = list(complaint.path)
    place = _places(kind, raw, path)
    if complaint.missing is not None:
        param = written([*path, complaint.missing])
        wanted = describe(_step(place, complaint.missing))
        return MissingField(
            f"Missing required parameter: '{param}'" + (f" ({wanted})." if wanted else "."),
            param=param,
        )
    if complaint.unknown is not None:
        name = complaint.unknown
        known = sorted({field for schema in place for field in schema.get("properties", ())})
        param = written([*path, name])
        close = difflib.get_close_matches(name[:100], known, n=3)
        where = f" in '{written(path)}'" if path else ""
        hint = f"Did you mean {' or '.join(repr(c) for c in close)}?"
        if not close:
            hint = f"Known: {', '.join(known)}."
        return UnknownField(f"Unknown field {shown(name)}{where}. {hint}", param=cut(param, 200))
    value = _value(raw, path)
    if value is None and path and isinstance(path[-1], str):
        param = written(path)  # null is the same as absent
        return MissingField(
            f"Missing required parameter: '{param}' (it is null; allowed: {describe(place)}).",
            param=param,
        )
    if path and path[-1] is None and isinstance(value, dict):
        path, value, place = _guilty_key(kind, raw, path, value, place)
    param = written(path)
    wanted = describe(place) or complaint.what
    return InvalidValue(
        f"Invalid value for '{param}': {shown(value)}. Allowed: {wanted}.", param=param
    )


def out_of_range(complaint: Complaint) -> PlatformError:
    """A number that no machine type holds, so that there is no value to show."""
    param = written(complaint.path)
    return InvalidValue(
        f"Invalid value for '{param}': the number is out of range."
        " Allowed: integers of 64 bits and finite numbers.",
        param=param,
    )


def written(path: Iterable[Step]) -> str:
    """The way OpenAI writes it: ``messages[0].content[1].type``."""
    out = ""
    for step in path:
        if isinstance(step, str):
            out += f".{step}" if out else step
        elif step is not None:
            out += f"[{step}]"
    return out


def shown(value: Any) -> str:
    """A value for a message, as JSON, shortened."""
    if isinstance(value, str):
        value = value[: SHOWN + 1]
    try:
        text = msgspec.json.encode(value).decode()
    except (ValueError, OverflowError, RecursionError):
        text = f"({type(value).__name__})"
    return cut(text, SHOWN)


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


# --- the schema at a place -------------------------------------------------------------------


@functools.cache
def _schemas(kind: type[Strict]) -> dict[str, Schema]:
    """All component schemas behind ``kind``, by the name of the class."""
    _, components = msgspec.json.schema_components([kind], ref_template="{name}")
    return components


def owner(kind: type[Strict], raw: Any, path: Sequence[Step]) -> str | None:
    """Name of the Struct whose fields stand at ``path``."""
    for schema in _places(kind, raw, path):
        if "properties" in schema:
            title = schema.get("title")
            return title if isinstance(title, str) else None
    return None


def _places(kind: type[Strict], raw: Any, path: Sequence[Step]) -> list[Schema]:
    """The schemas that may hold at ``path``; a tag in ``raw`` decides between tagged ones."""
    components = _schemas(kind)
    place = [components[kind.__name__]]
    value = raw
    for step in path:
        value = _value(value, [step])
        place = list(_flat(_step(place, step), components, value))
    return place


def _step(place: Sequence[Schema], step: Step) -> list[Schema]:
    found = []
    for schema in place:
        if isinstance(step, str):
            found.append(schema.get("properties", {}).get(step))
        elif step is None:
            found.append(schema.get("additionalProperties"))
        else:
            found.append(schema.get("items"))
    return [schema for schema in found if isinstance(schema, dict)]


def _flat(schemas: Iterable[Schema], components: dict[str, Schema], value: Any) -> Iterator[Schema]:
    for schema in schemas:
        if "$ref" in schema:
            yield from _flat([components[schema["$ref"]]], components, value)
        elif "anyOf" in schema:
            tag = schema.get("discriminator")
            chosen = None
            if tag and isinstance(value, dict):
                name = value.get(tag["propertyName"])
                chosen = tag["mapping"].get(name) if isinstance(name, str) else None
            yield from _flat([{"$ref": chosen}] if chosen else schema["anyOf"], components, value)
        else:
            yield schema


def _value(raw: Any, path: Iterable[Step]) -> Any:
    for step in path:
        if step is None:
            continue
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _guilty_key(
    kind: type[Strict], raw: Any, path: list[Step], value: dict[str, Any], place: list[Schema]
) -> tuple[list[Step], Any, list[Schema]]:
    """msgspec does not tell which key of a dict is wrong: ask about one half after the other."""
    outer = path[:-1]
    name = outer[0] if len(outer) == 1 else None
    keys = list(value)
    if not isinstance(name, str):
        return outer, value, _places(kind, raw, outer)
    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        try:
            msgspec.convert({**raw, name: {key: value[key] for key in half}}, kind)
            bad = False
        except msgspec.ValidationError as error:
            bad = Complaint(error).path == path
        keys = half if bad else keys[len(half) :]
    return [*outer, keys[0]], value[keys[0]], place


# --- in words --------------------------------------------------------------------------------


def describe(place: Iterable[Schema]) -> str:
    """What is allowed: 'a number between 0 and 2', "one of 'auto', 'none'" …"""
    enums: list[str] = []
    phrases: list[str] = []
    for schema in place:
        if "anyOf" in schema:
            phrases.append(describe(schema["anyOf"]))
        elif "enum" in schema:
            enums += [repr(item) for item in schema["enum"] if repr(item) not in enums]
        else:
            phrases.append(_phrase(schema))
    if enums:
        phrases.insert(0, f"one of {', '.join(enums)}" if len(enums) > 1 else enums[0])
    return " or ".join(dict.fromkeys(phrase for phrase in phrases if phrase))


def _phrase(schema: Schema) -> str:
    match schema.get("type"):
        case "integer":
            return "an integer" + _range(schema)
        case "number":
            return "a number" + _range(schema)
        case "boolean":
            return "true or false"
        case "string" if "pattern" in schema:
            return f"a string matching {schema['pattern']}"
        case "string" if "maxLength" in schema:
            return f"a string of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
        case "string":
            return "a non-empty string" if schema.get("minLength") else "a string"
        case "array":
            least, most = schema.get("minItems", 0), schema.get("maxItems")
            if most is not None:
                return f"a list of {least} to {most} items"
            return "a non-empty list" if least else "a list"
        case "object":
            most = schema.get("maxProperties")
            return f"an object of at most {most} keys" if most is not None else "an object"
    return ""


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if above is not None:
        return f" above {above}" + (f" and at most {high}" if high is not None else "")
    if low is not None and high is not None:
        return f" between {low} and {high}"
    return f" of at least {low}" if low is not None else ""

"""The document says what answers are made of: the console's types are made from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

#: what engines, providers, browsers, changes and reasons put there, in words of their own
_OPEN = {
    "EngineReason.params", "Entry.after", "Entry.before", "Failure.data", "Family.defaults",
    "Family.engine_options", "Launch.options", "LaunchDetail.options", "Question.options",
    "Told.params",
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = Client().get("/docs/openapi.json").json()
    return found


def test_no_answer_of_ours_is_a_bare_object(document: dict[str, Any]) -> None:
    """What an object may have in it is known all the way down."""
    schemas = document["components"]["schemas"]
    bare, seen, todo = set(), set(), []
    for path, methods in document["paths"].items():
        if path.startswith("/api/"):
            for method, operation in methods.items():
                for status, answer in operation["responses"].items():
                    for content in answer.get("content", {}).values():
                        todo.append((f"{method} {path} {status}", content["schema"]))
    assert len(todo) > 100
    while todo:
        at, schema = todo.pop()
        for where, node in _within(schema, at):
            if "$ref" in node:
                name = node["$ref"].rpartition("/")[2]
                if name not in seen:
                    seen.add(name)
                    todo.append((name, schemas[name]))
            elif _is_bare(node):
                bare.add(where)
    assert bare == _OPEN


def _within(node: dict[str, Any], at: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield at, node
    for name, inner in node.get("properties", {}).items():
        yield from _within(inner, f"{at}.{name}")
    for inner in (node.get("items"), node.get("additionalProperties")):
        if isinstance(inner, dict) and inner:
            yield from _within(inner, at)
    for kind in ("anyOf", "allOf", "oneOf"):
        for inner in node.get(kind, []):
            yield from _within(inner, at)


def _is_bare(node: dict[str, Any]) -> bool:
    if node.get("type") == "object":
        return not node.get("properties") and not node.get("additionalProperties")
    return not node.keys() & {"type", "enum", "anyOf", "allOf", "oneOf"}

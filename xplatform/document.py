"""What the OpenAPI document says of all routes at once: hooks of drf-spectacular, which are called
one after the other when it has looked at the views."""

from __future__ import annotations

from typing import Any, Final

from xplatform.core.errors import BY_CODE

#: who answers in a form of their own: probes, and the OAuth provider
_OTHERS: Final = ("/healthz", "/readyz", "/status", "/metrics", "/oauth/", "/.well-known/")
_READS: Final = (400, 401, 403, 404, 409, 429, 500, 503)
_CHANGES: Final = (*_READS, 413, 415, 507)
_ENVELOPE: Final = {"$ref": "#/components/schemas/OpenAIErrorBody"}


def add_v1(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Inference is raw ASGI, its part of the document is merged in."""
    from apps.inference.openai.openapi import paths_and_components

    paths, components = paths_and_components()
    # A path may have one method here and another there.
    rest = result.get("paths", {})
    both = {path: {**methods, **rest.get(path, {})} for path, methods in paths.items()}
    result["paths"] = {**both, **{path: rest[path] for path in rest if path not in both}}
    for section, entries in components.items():
        merged = result.setdefault("components", {}).setdefault(section, {})
        merged.update(entries)
    return result


def add_errors(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Every route may be refused, and all of them refuse in one form."""
    used = set()
    for path, methods in result["paths"].items():
        if path.startswith(_OTHERS):
            continue
        for method, operation in methods.items():
            for status in _READS if method == "get" else _CHANGES:
                answer = {"$ref": f"#/components/responses/{_name(status)}"}
                operation["responses"].setdefault(str(status), answer)
                used.add(status)
    components = result["components"].setdefault("responses", {})
    components.update({_name(status): _refusal(status) for status in sorted(used)})
    return result


def _name(status: int) -> str:
    return f"Refused{status}"


def _refusal(status: int) -> dict[str, Any]:
    codes = [f"`{code}`" for code, error in BY_CODE.items() if error.status == status]
    return {
        "description": f"Error codes: {', '.join(codes)}",
        "content": {"application/json": {"schema": _ENVELOPE}},
    }

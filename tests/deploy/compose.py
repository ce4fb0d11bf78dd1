"""``docker-compose.yml`` as data: what Compose would make of it, as far as the tests need it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
GPU_FILE = ROOT / "deploy" / "docker-compose.gpu.yml"
EXAMPLE = ROOT / "deploy" / "env.example"

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")


def load(path: Path = FILE) -> dict[str, Any]:
    """As written, anchors followed."""
    parsed: dict[str, Any] = yaml.safe_load(path.read_text())
    return parsed


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """With ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?required}`` replaced in all texts."""
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if name is None:
            return "$"
        if variables.get(name):
            return variables[name]
        if kind == "-":
            return str(rest)
        raise KeyError(f"{name} is not set")

    return _VARIABLE.sub(replace, value)


def ours(file: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    return {
        name: service
        for name, service in file["services"].items()
        if str(service["image"]).startswith("xplatform:")
    }


def example_names() -> dict[str, bool]:
    """Variables of ``env.example``: name → must it be set?"""
    found = re.findall(r"^(#?)([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    return {name: not comment for comment, name in found}

"""Flags for settings, made from the one place where settings are."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

import msgspec

from xplatform.core.config import SECRET_SETTINGS, Settings, load_settings
from xplatform.core.settings_shown import comments


def add_setting_flags(parser: argparse.ArgumentParser, names: Iterable[str] | None = None) -> None:
    """A flag for each setting; secrets have none, since everybody can read command lines."""
    chosen = None if names is None else set(names)
    group = parser.add_argument_group(
        "settings",
        "Each can be given as XPLATFORM_<NAME> or in <home>/config.toml too; flags win. Only there:"
        " " + ", ".join(sorted(SECRET_SETTINGS)) + ".",
    )
    group.add_argument("--config", metavar="FILE", help="instead of <home>/config.toml")
    helps = comments()
    for field in msgspec.structs.fields(Settings):
        if field.name in SECRET_SETTINGS or (chosen is not None and field.name not in chosen):
            continue
        flag = "--" + field.name.replace("_", "-")
        text = helps.get(field.name, "").replace("%", "%%")
        text += f" (default: {field.default})" if field.default != "" else ""
        if isinstance(field.default, bool):
            group.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=None, help=text.strip()
            )
        else:
            group.add_argument(flag, metavar=_metavar(field), help=text.strip())


def settings_from(arguments: argparse.Namespace) -> Settings:
    """The settings with these flags; raises ConfigError."""
    names = {*Settings.__struct_fields__, "config"}
    given = {k: v for k, v in vars(arguments).items() if k in names and v is not None}
    return load_settings(given)


def _metavar(field: Any) -> str:
    if get_origin(field.type) is Literal:
        return "{" + ",".join(get_args(field.type)) + "}"
    kinds = {bool: "YES", int: "N", float: "SECONDS", str: "TEXT"}
    return kinds.get(type(field.default), "VALUE")

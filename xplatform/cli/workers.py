"""Processes below the warden: web, control, node agent, replica. Each can run by hand as well."""

from __future__ import annotations

import argparse
import importlib
import os
import socket
import sys
from typing import Any

from xplatform.cli.flags import add_setting_flags, settings_from
from xplatform.core import config
from xplatform.core.config import Settings
from xplatform.engines.tether import tie_to_parent
from xplatform.warden.limits import allow_many_files


def run(command: str, words: list[str]) -> int:
    # Said to this process alone: what it starts itself has another parent.
    if parent := os.environ.pop("XPLATFORM_PARENT", None):
        tie_to_parent(int(parent))
    allow_many_files()
    parser = argparse.ArgumentParser(f"xplatform {command}")
    if command == "replica":
        parser.add_argument("spec", help="file that says what to load")
        arguments = parser.parse_args(words)
        return _call("apps.inference.replica.worker", arguments.spec)
    if command == "web":
        parser.add_argument("--fd", type=int, help="a listening socket that was handed over")
    if command == "control":
        parser.add_argument("--node", metavar="NAME", help="be this machine's node agent as well")
    add_setting_flags(parser)
    arguments = parser.parse_args(words)
    settings = _install(arguments)
    if command == "web":
        return _web(settings, arguments.fd)
    if command == "control":
        return _call("apps.models.control.worker", settings, arguments.node)
    return _call("apps.models.node.worker", settings, settings.node_name or socket.gethostname())


def _install(arguments: argparse.Namespace) -> Settings:
    """Make the flags hold for everything in this process, with or without a warden above."""
    settings = settings_from(arguments)
    names = {*Settings.__struct_fields__, "config"}
    given = {k: v for k, v in vars(arguments).items() if k in names and v is not None}
    for name, value in given.items():
        os.environ[config.PREFIX + name.upper()] = str(value)
    if given:
        os.environ.pop(config.PREFIX + "SETTINGS", None)
    config.settings.cache_clear()
    # Not by setdefault: a shell may still name another project's settings.
    os.environ["DJANGO_SETTINGS_MODULE"] = "xplatform.settings"
    return settings


def _call(module: str, *arguments: Any) -> int:
    code = importlib.import_module(module).main(*arguments)
    return int(code or 0)


def _web(settings: Settings, fd: int | None) -> int:
    from xplatform.cli import web

    if fd is not None:
        # The family is read from the socket; the protocol is named for TCP_NODELAY's sake.
        with socket.socket(fileno=os.dup(fd)) as handed:
            family = handed.family
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=fd)
    else:
        from xplatform.warden import listen

        listener = listen.bind(settings)
    try:
        return web.run(settings, listener)
    finally:
        sys.stderr.flush()

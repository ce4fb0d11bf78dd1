"""``xplatform serve`` and ``xplatform node``."""

from __future__ import annotations

import argparse
import os
import socket

import msgspec

from xplatform.cli.flags import add_setting_flags, settings_from

_ABOUT = {
    "serve": "Start a whole server on this machine: broker, database, web and workers. Ctrl-C"
    " stops all of it within ten seconds; running requests may finish.",
    "node": "Join a cluster: this machine runs models that others launch. It needs the cluster's"
    " broker and nothing else.",
}


def run(command: str, words: list[str]) -> int:
    parser = argparse.ArgumentParser(f"xplatform {command}", description=_ABOUT[command])
    if command == "node":
        parser.add_argument("--name", help="this machine's name in the cluster")
    add_setting_flags(parser)
    arguments = parser.parse_args(words)
    settings = settings_from(arguments)
    # Database, logs and settings of running processes are the owner's alone.
    os.umask(0o077)
    from xplatform.warden import serve

    if command == "serve":
        name = settings.node_name or "local"
        return serve.serve(msgspec.structs.replace(settings, node_name=name))
    name = arguments.name or settings.node_name or socket.gethostname()
    return serve.node(msgspec.structs.replace(settings, node_name=name))

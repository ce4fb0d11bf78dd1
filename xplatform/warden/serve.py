"""``xplatform serve`` and ``xplatform node``: which processes, in which order."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from xplatform.core import logs, tls
from xplatform.core.config import ConfigError, Settings
from xplatform.warden import broker, listen, welcome
from xplatform.warden.child import python_command
from xplatform.warden.console import Console
from xplatform.warden.errors import StartError
from xplatform.warden.limits import allow_many_files
from xplatform.warden.lock import HomeLock
from xplatform.warden.supervisor import Service, Supervisor

logger = logging.getLogger(__name__)

BROKER = "broker"


def serve(settings: Settings) -> int:
    """A whole server on this machine; the exit code. Raises StartError."""
    began = time.monotonic()
    settings = _absolute(settings)
    _check(settings)
    tls.certificate(settings)  # a wrong file is told now, not by each web process
    lock = HomeLock.take(settings, listen.address(settings))
    try:
        # Counts of the last run, shared by its web processes.
        shutil.rmtree(settings.run_path / "metrics", ignore_errors=True)
        listener = listen.bind(settings, wait=lock.left_behind)
        return _run(settings, lambda supervisor: _serve(supervisor, listener, began))
    finally:
        lock.release()


def node(settings: Settings) -> int:
    """A machine of a cluster: runs replicas, needs the broker only. Raises StartError."""
    settings = _absolute(settings)
    if not settings.broker:
        raise StartError(
            "A node needs the broker of its cluster: give --broker redis://… or amqp://…."
        )
    if settings.embedded_broker:
        raise StartError(
            "A node beside an amqp:// broker needs the cluster's Redis for token streams: "
            "give --channels redis://…."
        )
    _check(settings)
    lock = HomeLock.take(settings, f"node {settings.node_name}")
    try:
        return _run(settings, _node)
    finally:
        lock.release()


def _absolute(settings: Settings) -> Settings:
    """Children run elsewhere: ``~`` and relative paths mean what they mean here."""
    devices = settings.devices
    if "/" in devices or devices.endswith(".json"):
        devices = str(Path(devices).expanduser().absolute())
    files = {
        name: str(Path(given).expanduser().absolute())
        for name in ("tls_cert", "tls_key")
        if (given := getattr(settings, name))
    }
    return msgspec.structs.replace(settings, home=str(settings.home_path), devices=devices, **files)


def _check(settings: Settings) -> None:
    redis = ("redis://", "rediss://", "unix://")
    for name, url, known in (
        ("broker", settings.broker, (*redis, "amqp://", "amqps://")),
        ("channels", settings.channels, redis),
    ):
        if url and not url.startswith(known):
            raise StartError(
                f"--{name} does not start with one of {', '.join(known)}; "
                "leave it out for the embedded broker."
            )
    if settings.database and not settings.database.startswith(("postgres://", "postgresql://")):
        raise StartError(
            "--database does not start with postgres://; leave it out for SQLite in the home."
        )


def _run(settings: Settings, body: Callable[[Supervisor], Coroutine[Any, Any, None]]) -> int:
    allow_many_files()
    console = Console()

    async def supervise() -> int:
        # What a person must know the console tells, in its own words.
        logs.configure("warden", settings, to_stderr=False)
        supervisor = Supervisor(settings, console)
        await supervisor.open()
        main = asyncio.ensure_future(body(supervisor))
        stop = asyncio.ensure_future(supervisor.stop_asked.wait())
        await asyncio.wait([main, stop], return_when=asyncio.FIRST_COMPLETED)
        if main.done() and (error := main.exception()) is not None:
            known = isinstance(error, StartError | ConfigError | OSError)
            if not known:
                logger.error("warden", exc_info=error)
            supervisor.fail(str(error) if known else f"Unexpected: {error!r}")
        elif not main.done():
            main.cancel()
        await supervisor.stop_asked.wait()
        if supervisor.failure is None:
            console.say("Stopping; running requests may finish.")
        began = time.monotonic()
        webs = [name for name in supervisor.services if name.startswith("web")]
        await supervisor.stop(BROKER, webs)
        if supervisor.failure is None:
            console.say(f"Stopped after {time.monotonic() - began:.1f} s.")
            return 0
        Console(2).say(f"xplatform: {supervisor.failure}")
        return 1

    try:
        return asyncio.run(supervise())
    except OSError as error:
        # A full disk, a file of somebody else's: what was started is stopped by the kernel.
        raise StartError(f"The server cannot run in {settings.home_path}: {error}.") from None
    finally:
        for name in ("settings.json", "settings.origins", "broker.conf"):
            (settings.run_path / name).unlink(missing_ok=True)


async def _serve(supervisor: Supervisor, listener: socket.socket, began: float) -> None:
    settings = supervisor.settings
    _close_at_stop(supervisor, listener)
    if settings.embedded_broker:
        supervisor.start(Service(BROKER, lambda: broker.prepare(settings), echo=False))
    first_run, _ = await asyncio.gather(_set_up(supervisor), _broker_answers(supervisor))
    if supervisor.stop_asked.is_set():
        return
    count = settings.web_processes
    for number in range(1, count + 1):
        name = "web" if count == 1 else f"web-{number}"
        supervisor.start(
            Service(
                name,
                lambda: python_command("web", "--fd", str(listener.fileno())),
                pass_fds=(listener.fileno(),),
            )
        )
    supervisor.start(
        Service("control", lambda: python_command("control", "--node", settings.node_name))
    )
    await welcome.until_ready(listener, settings)
    supervisor.ready = True
    supervisor.console.say(welcome.text(settings, first_run, time.monotonic() - began))


async def _node(supervisor: Supervisor) -> None:
    settings = supervisor.settings
    supervisor.start(Service("node", lambda: python_command("node-agent")))
    supervisor.console.say(
        f"Node {settings.node_name} joins {logs.mask(settings.broker_url)}; "
        f"logs are in {settings.logs_path}."
    )


def _close_at_stop(supervisor: Supervisor, listener: socket.socket) -> None:
    """While stopping, clients are refused at once and not left waiting in the backlog."""

    async def close() -> None:
        await supervisor.stop_asked.wait()
        listener.close()

    supervisor.background.append(asyncio.ensure_future(close()))


async def _broker_answers(supervisor: Supervisor) -> None:
    settings = supervisor.settings
    while settings.embedded_broker and not broker.answers(settings):
        await asyncio.sleep(0.02)


async def _set_up(supervisor: Supervisor) -> welcome.FirstRun:
    """Database, admin user, first key; what was made and is to be shown."""
    notice = asyncio.get_running_loop().call_later(
        4.0, supervisor.console.say, "Preparing the database …"
    )
    child = await supervisor.run_once("setup", python_command("setup", "--json"))
    notice.cancel()
    if supervisor.stop_asked.is_set():
        return welcome.FirstRun()
    if child.exit_code != 0:
        last = child.last_lines[-1] if child.last_lines else child.describe_end()
        raise StartError(f"The database cannot be prepared: {last.removeprefix('xplatform: ')}")
    try:
        return msgspec.convert(json.loads(child.stdout), welcome.FirstRun)
    except (ValueError, msgspec.ValidationError) as error:
        raise StartError(f"The set-up gave no proper answer: {error}.") from None

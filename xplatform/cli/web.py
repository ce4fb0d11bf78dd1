"""One web process: the ASGI application under Uvicorn or Daphne, on a socket that is open."""

from __future__ import annotations

import os
import signal
import socket
import threading

import psutil

from xplatform.core import hints, logs, tls
from xplatform.core.config import Settings
from xplatform.warden.listen import BACKLOG

APPLICATION = "xplatform.asgi:application"


def run(settings: Settings, listener: socket.socket) -> int:
    """Serve until SIGTERM, then drain."""
    logs.configure("web", settings)
    if settings.web_processes > 1:
        _share_metrics(settings)
    encryption = tls.certificate(settings)
    if encryption is not None:
        _keep_renewing(encryption)
    if settings.server == "daphne":
        return _daphne(settings, listener, encryption)
    return _uvicorn(settings, listener, encryption)


def _keep_renewing(encryption: tls.Certificate) -> None:
    """SIGHUP makes it look at once."""
    asked = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: asked.set())

    def look() -> None:
        while True:
            asked.wait(tls.LOOK_SECONDS)
            asked.clear()
            encryption.renew()

    threading.Thread(target=look, name="certificate", daemon=True).start()


def _share_metrics(settings: Settings) -> None:
    """Whichever process is asked for ``/metrics`` answers for all. The library looks at the
    variable when it is imported, which is later."""
    folder = settings.run_path / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    for file in folder.glob("gauge_live*.db"):
        # What lives only as long as its process.
        if not psutil.pid_exists(int(file.stem.rpartition("_")[2])):
            file.unlink(missing_ok=True)


def _uvicorn(
    settings: Settings, listener: socket.socket, encryption: tls.Certificate | None
) -> int:
    import uvicorn

    config = uvicorn.Config(
        APPLICATION,
        ssl_context_factory=None if encryption is None else lambda *_: encryption.context,
        loop="uvloop",
        http="httptools",
        # Named, since the automatic choice takes an implementation that is going away.
        ws="websockets-sansio",
        ws_max_size=1 << 20,
        ws_per_message_deflate=False,
        lifespan="on",
        backlog=BACKLOG,
        # The gateway counts and logs requests itself.
        access_log=False,
        log_config=None,
        server_header=False,
        # `xplatform.asgi` does it, under any server, for proxies that the settings name.
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(settings.drain_timeout)),
    )

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # Whoever only waits for news does not hold up the drain.
            hints.tell(hints.STOPPING)
            await super().shutdown(sockets)

    server = Server(config)
    server.run(sockets=[listener])
    return 0 if server.started else 3


def _daphne(settings: Settings, listener: socket.socket, encryption: tls.Certificate | None) -> int:
    from xplatform.asgi import application
    from xplatform.cli import under_daphne

    return under_daphne.run(application, listener, settings.drain_timeout, encryption)

"""A small ASGI application under Daphne: ``python daphne_app.py FD``."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import Any

events: list[str] = []


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            print(kind, flush=True)
            if os.environ.get("FAIL") == kind:
                await send({"type": f"{kind}.failed"})
                return
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    steps = int(scope["path"].strip("/") or 0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    try:
        for _ in range(steps):
            await asyncio.sleep(0.1)
            await send({"type": "http.response.body", "body": b".", "more_body": True})
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise
    await send({"type": "http.response.body", "body": b"end"})


if __name__ == "__main__":
    from xplatform.cli import under_daphne

    drain = float(os.environ.get("DRAIN", "5"))
    sys.exit(under_daphne.run(application, socket.socket(fileno=int(sys.argv[1])), drain))

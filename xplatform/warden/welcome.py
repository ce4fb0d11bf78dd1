"""What a person sees once the server is ready: where it is, how to get in, what to try."""

from __future__ import annotations

import asyncio
import socket
import ssl

import msgspec

from xplatform.core import tls
from xplatform.core.config import Settings
from xplatform.warden.listen import address


class Admin(msgspec.Struct):
    username: str
    #: None: it was given in the settings, and who gave it knows it
    password: str | None = None


class FirstRun(msgspec.Struct):
    """What ``xplatform setup`` made; it answers with this as JSON."""

    admin: Admin | None = None
    api_key: str | None = None
    created: bool = False


async def until_ready(listener: socket.socket, settings: Settings) -> None:
    """Ask ``/readyz`` until it says yes; whoever calls may cancel."""
    context = tls.local_context(settings)
    while not await _is_ready(listener, context):
        await asyncio.sleep(0.05)


async def _is_ready(listener: socket.socket, context: ssl.SSLContext | None) -> bool:
    try:
        return await asyncio.wait_for(_ask(listener, context), 5.0)
    except (OSError, TimeoutError):
        return False


async def _ask(listener: socket.socket, context: ssl.SSLContext | None) -> bool:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    # While no web process runs, this waits in the backlog like any client.
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        status = await reader.readline()
    finally:
        writer.close()
    return status.split()[1:2] == [b"200"]


def text(settings: Settings, first: FirstRun, seconds: float) -> str:
    base = address(settings)
    key = first.api_key or "$XPLATFORM_API_KEY"
    login = "sign in as the admin user"
    if first.admin is not None:
        word = first.admin.password
        login = f"user {first.admin.username}, password " + (
            f"{word} (shown this once)" if word else "as you set it"
        )
    lines = [
        f"xplatform is ready at {base} after {seconds:.1f} s.",
        "",
        f"  console   {base}/ui/   {login}",
        f"  admin     {base}/admin/",
        f"  API docs  {base}/docs",
        f"  metrics   {base}/metrics",
        f"  home      {settings.home_path}   (logs in {settings.logs_path})",
    ]
    if first.api_key:
        lines.append(f"  API key   {first.api_key} (shown this once)")
    elif settings.api_key:
        lines.append("  API key   as you set it")
    else:
        lines.append("  API key   as shown at the first start; the admin makes new ones")
    if settings.demo:
        lines += [
            "",
            "Try it:",
            "",
            f"  curl {base}/v1/chat/completions \\",
            f'    -H "Authorization: Bearer {key}" \\',
            '    -H "Content-Type: application/json" \\',
            '    -d \'{"model": "demo", "messages": '
            '[{"role": "user", "content": "What is xplatform?"}]}\'',
        ]
    lines += ["", "Ctrl-C stops it."]
    return "\n".join(lines)

"""A route or a command without an entry in the matrix fails here; so does an entry without one."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import get_commands
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.generic.edit import ProcessFormView

from apps.accounts import things
from apps.accounts.matrix.actions import ACTIONS
from apps.accounts.matrix.commands import COMMANDS, MACHINE, MANAGE, OPEN, OPERATOR
from apps.accounts.matrix.routes import ADMIN, ROUTES, WEBSOCKET, entry
from apps.accounts.permission import MatrixPermission, as_pattern
from xplatform.cli import main as cli
from xplatform.core.config import settings

_METHODS = ("get", "post", "put", "patch", "delete")
_ENTRIES = {(method, route.pattern) for route in ROUTES for method in route.methods}


def django_routes(
    patterns: list[Any] | None = None, before: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """(pattern, what is behind it), without the admin's."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            if as_pattern(route) != ADMIN:
                yield from django_routes(one.url_patterns, route)
        else:
            yield as_pattern(route), one


def methods_of(view: Any) -> set[str]:
    """Those that it has, without ``HEAD`` and ``OPTIONS``, which go by the others."""
    cls = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if cls is None:
        return {"GET", "POST"}
    if getattr(cls, "put", None) is ProcessFormView.put:
        return {"GET", "POST"}  # PUT is POST
    allowed = view.actions if getattr(view, "actions", None) else cls.http_method_names
    return {m.upper() for m in _METHODS if m in allowed and hasattr(cls, m)}


def gateway_routes(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Of the table that the gateway makes when it starts."""
    from apps.inference.gateway import app

    class Made(Exception):
        pass

    def made(own: Any, shared: Any) -> Any:
        found = {(method, path) for path, methods in own.items() for method in methods}
        raise Made(found | set(shared))

    async def start() -> set[tuple[str, str]]:
        gateway = app.Gateway(None, settings())  # its table is empty before it starts
        with monkeypatch.context() as patched:
            patched.setattr(app, "Routes", made)
            try:
                await gateway._start()
            except Made as table:
                return set(table.args[0])
            finally:
                gateway._sender.close()
        raise AssertionError("the gateway made no table of routes")

    return asyncio.run(start())


def all_routes(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    found = {
        (method, pattern)
        for pattern, one in django_routes()
        for method in methods_of(one.callback)
        # The start page sends on whatever is sent to it.
        if pattern != "/" or method == "GET"
    }
    return found | gateway_routes(monkeypatch) | {(WEBSOCKET, "/ws/events")}


def test_every_route_has_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    there = all_routes(monkeypatch)
    missing = sorted(there - _ENTRIES)
    assert not missing, f"not in apps/accounts/matrix/routes.py: {missing}"
    stale = sorted(pair for pair in _ENTRIES - there if pair[0] != "HEAD")
    assert not stale, f"in the matrix, but no route has it: {stale}"


def test_no_route_has_two() -> None:
    pairs = [(method, route.pattern) for route in ROUTES for method in route.methods]
    assert len(pairs) == len(set(pairs))


def test_entries_name_what_there_is() -> None:
    for route in ROUTES:
        assert route.action in ACTIONS, route
        if route.thing is not None:
            parameter, kind = route.thing
            assert f"{{{parameter}}}" in route.pattern, route
            assert things.noun(kind), route


def test_every_view_asks_the_matrix() -> None:
    """A view that chose its own permission would not be what the table says."""
    for pattern, one in django_routes():
        cls = getattr(one.callback, "cls", None)
        if cls is None or entry("GET", pattern) is None:
            continue
        route = entry("GET", pattern)
        asks = MatrixPermission in cls.permission_classes
        assert asks or (route is not None and route.action == "public"), (pattern, cls)


def test_an_unknown_route_is_nobodys() -> None:
    assert entry("GET", "/api/nothing") is None
    route = entry("PATCH", "/api/launches")
    assert route is not None and route.action == "launches.read"
    assert entry("HEAD", "/api/launches") == entry("GET", "/api/launches")


def test_every_command_has_an_entry() -> None:
    listed = {name.split()[0] for name in COMMANDS}
    assert listed == set(cli.COMMANDS)
    for name, needed in COMMANDS.items():
        assert needed, name
        for action in needed:
            assert action in ACTIONS or action in (OPERATOR, MACHINE, OPEN), (name, action)


def test_commands_with_words_behind_them_exist() -> None:
    for name in COMMANDS:
        command, _, more = name.partition(" ")
        if not more:
            continue
        module = importlib.import_module(f"xplatform.cli.{cli.COMMANDS[command][0]}")
        makers = [module.parser(command)]
        if hasattr(module, "query_parser"):
            makers.append(module.query_parser())
        words = {
            word
            for parser in makers
            for action in parser._actions
            for word in (*action.option_strings, *(action.choices or ()))
        }
        assert more in words, name


def test_every_command_of_our_apps_has_an_entry() -> None:
    ours = {name for name, app in get_commands().items() if app.startswith("apps.")}
    assert ours == set(MANAGE)

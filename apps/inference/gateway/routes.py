"""Which requests are answered here, and which by Django.

Inference is here and nowhere else, so a wrong method on one of its routes is told here, too. Below
``/v1/models`` and ``/v1/requests`` the routes that need nothing but this process's memory are here;
whatever is not named here belongs to Django (management of models, files, nodes, …).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

from apps.inference.gateway.http import Exchange
from xplatform.core.errors import MethodNotAllowed

Handler = Callable[[Exchange], Awaitable[None]]

#: words that Xinference has in the place of a model's name: never one here
_NO_MODELS = frozenset(
    {
        "families", "instance", "instances", "prompts", "recommend", "update_spec", "update_type",
        "vllm-supported",
    }
)  # fmt: skip


class Routes:
    def __init__(
        self,
        own: Mapping[str, Mapping[str, Handler]],
        shared: Mapping[tuple[str, str], Handler],
    ) -> None:
        """``own``: paths of which every method is ours. ``shared``: (method, pattern) beside
        which Django may have others; ``{…}`` in a pattern is one segment."""
        self._own = own
        self._plain: dict[tuple[str, str], tuple[Handler, str]] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Handler, str]] = []
        for (method, pattern), handler in shared.items():
            if "{" not in pattern:
                self._plain[method, pattern] = handler, pattern
                continue
            matcher = re.compile(re.sub(r"\\{[a-z]+\\}", "([^/]+)", re.escape(pattern)))
            self._patterns.append((method, matcher, handler, pattern))

    def find(self, method: str, path: str) -> tuple[Handler, str] | None:
        """The handler and the route's name for metrics; None: it is Django's."""
        if methods := self._own.get(path):
            return methods.get(method) or _refuse(sorted(methods)), path
        if found := self._plain.get((method, path)):
            return found
        for wanted, pattern, handler, name in self._patterns:
            if method == wanted and (match := pattern.fullmatch(path)):
                return None if match[1] in _NO_MODELS else (handler, name)
        return None


def parts(path: str) -> list[str]:
    """The segments of a path that was found, from the third on: ``/v1/models/a/b`` → a, b."""
    return path.split("/")[3:]


def _refuse(allowed: list[str]) -> Handler:
    async def refuse(exchange: Exchange) -> None:
        raise MethodNotAllowed(exchange.method, allowed)

    return refuse

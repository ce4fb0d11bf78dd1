"""Questions to this node: asked by ``apps.models.nodes.ask``, answered by functions.

A module in ``apps.models.node.answers`` registers them; its arguments are checked against the
function's annotations::

    @question("path.check")
    def check(here: Here, path: str) -> dict[str, Any]: ...

A function may raise errors of ``xplatform.core.errors``: they are raised again where the question
was asked. Answers come on a few threads of their own, so that orders never wait behind them; what
takes long starts a thread, answers at once, and is asked about again. No Django, no database.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import msgspec
import redis

from xplatform.core.config import Settings
from xplatform.core.errors import Internal, InvalidValue, NotFound, PlatformError, QueueFull

if TYPE_CHECKING:
    from apps.models.node.agent import Agent

log = logging.getLogger(__name__)

_THREADS = 4
#: questions that may wait for a thread
_WAITING = 64
#: an answer that nobody takes is dropped after this many seconds
ANSWER_EXPIRES = 60
#: more than this is not carried: an answer is a page of something, not a file
ANSWER_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Here:
    """What a question may look at."""

    node: str
    settings: Settings
    agent: Agent


Answer = Callable[..., dict[str, Any]]
A = TypeVar("A", bound=Answer)
_ANSWERS: dict[str, Answer] = {}


def question(name: str) -> Callable[[A], A]:
    def register(answer: A) -> A:
        if name in _ANSWERS:
            raise TypeError(f"question {name!r} has an answer already")
        _ANSWERS[name] = answer
        return answer

    return register


def learn() -> None:
    """Import all answers."""
    from apps.models.node import answers

    for module in pkgutil.iter_modules(answers.__path__, answers.__name__ + "."):
        importlib.import_module(module.name)


def answer(here: Here, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Raises PlatformError."""
    found = _ANSWERS.get(name)
    if found is None:
        raise NotFound(f"Node {here.node!r} knows no question {name!r}: is its version older?")
    return found(here, **_checked(found, arguments))


def _checked(found: Answer, arguments: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(found)
    try:
        bound = inspect.signature(found).bind(None, **arguments)
    except TypeError as error:
        raise InvalidValue(f"The question's arguments do not fit: {error}.") from None
    values = {name: bound.arguments[name] for name in arguments}
    for name, value in values.items():
        try:
            values[name] = msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            raise InvalidValue(f"`{name}` does not fit: {error}.", param=name) from None
    return values


class Desk:
    """Takes questions as they come in and sends the answers."""

    def __init__(self, here: Here, put: Callable[[str, bytes], None] | None = None) -> None:
        self._here = here
        self._put = put or _Replies(here.settings.channels_url).put
        self._waiting: deque[tuple[str, Mapping[str, Any], str]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0

    def ask(self, name: str, arguments: Mapping[str, Any], key: str) -> None:
        """Returns at once. Threads are started as they are needed and stay."""
        with self._changed:
            full = len(self._waiting) >= _WAITING
            if not full:
                self._waiting.append((name, arguments, key))
                if self._idle < len(self._waiting) and self._threads < _THREADS:
                    self._threads += 1
                    threading.Thread(target=self._run, name="answers", daemon=True).start()
                self._changed.notify()
        if full:
            self._send(key, _failure(QueueFull(f"Node {self._here.node!r} is asked too much.")))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._waiting:
                    self._changed.wait()
                self._idle -= 1
                name, arguments, key = self._waiting.popleft()
            began = time.monotonic()
            self._send(key, self._answer(name, arguments))
            if (seconds := time.monotonic() - began) > 5:
                log.warning("the answer to %r took %.0f s", name, seconds)

    def _answer(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return {"answer": answer(self._here, name, arguments)}
        except PlatformError as error:
            return _failure(error)
        except Exception as error:
            log.exception("question %r", name)
            text = f"Node {self._here.node!r} failed to answer {name!r}: {error!r}."
            return _failure(Internal(text))

    def _send(self, key: str, reply: dict[str, Any]) -> None:
        data = msgspec.msgpack.encode(reply)
        if len(data) > ANSWER_BYTES:
            text = f"Node {self._here.node!r} has an answer of {len(data)} bytes: ask for less."
            data = msgspec.msgpack.encode(_failure(Internal(text)))
        try:
            self._put(key, data)
        except redis.RedisError as error:
            log.warning("an answer is lost: %s", error)


def _failure(error: PlatformError) -> dict[str, Any]:
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "data": error.data,
            "retry_after": error.retry_after,
        }
    }


class _Replies:
    """Answers go back through the channels' Redis, whatever the broker of tasks is."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5)

    def put(self, key: str, data: bytes) -> None:
        with self._client.pipeline() as pipe:
            pipe.lpush(key, data)
            pipe.expire(key, ANSWER_EXPIRES)
            pipe.execute()

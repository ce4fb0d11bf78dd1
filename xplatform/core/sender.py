"""Sending Celery tasks from processes that must never wait for the broker.

Publishing with kombu is synchronous and may hang when the broker is away. One thread per process
does it, in order, with a connection of its own; it tries again until a message is out of date.
"""

from __future__ import annotations

import collections
import logging
import threading
import time
import uuid
from typing import Any

from celery import Celery
from kombu import Connection, Producer, Queue

log = logging.getLogger(__name__)

#: more waiting messages than this is a bug of the caller, who has to bound its work
MAX_WAITING = 100_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
#: instead of a task: the queue is to go
_FORGET = ""


class TaskSender:
    """``send`` returns at once. Messages are lost only when they expire or the process ends."""

    def __init__(self, app: Celery, name: str = "sender") -> None:
        self._app = app
        self._waiting: collections.deque[tuple[str, str, tuple[Any, ...], float]] = (
            collections.deque(maxlen=MAX_WAITING)
        )
        self._wake = threading.Condition()
        self._closed = False
        self._sending = False
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._declared: set[str] = set()
        #: is the broker answering, as far as this thread knows?
        self.connected = True
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def send(self, task: str, queue: str, *args: Any, expires: float = 3600.0) -> None:
        """``expires``: seconds after which nobody needs the message any more."""
        with self._wake:
            self._waiting.append((task, queue, args, time.monotonic() + expires))
            self._wake.notify()

    def forget_queue(self, queue: str, expires: float = 60.0) -> None:
        """Remove a queue, with what is in it, that nobody reads any more. In turn with what is
        sent."""
        with self._wake:
            self._waiting.append((_FORGET, queue, (), time.monotonic() + expires))
            self._wake.notify()

    def flush(self, timeout: float) -> bool:
        """Wait until all is sent."""
        deadline = time.monotonic() + timeout
        with self._wake:
            while (self._waiting or self._sending) and time.monotonic() < deadline:
                self._wake.wait(0.02)
            return not (self._waiting or self._sending)

    def close(self) -> None:
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            with self._wake:
                self._sending = False
                while not self._waiting and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                message = self._waiting.popleft()
                self._sending = True
            task, queue, args, until = message
            if time.monotonic() > until:
                log.warning("%s to %s was not sent in time", task, queue)
                continue
            try:
                self._publish(task, queue, args, until)
                self.connected, pause = True, _FIRST_PAUSE
            except Exception as error:
                if self.connected:
                    log.warning("the broker does not answer: %s", error)
                self.connected = False
                self._disconnect()
                with self._wake:
                    self._waiting.appendleft(message)
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _publish(self, task: str, queue: str, args: tuple[Any, ...], until: float) -> None:
        producer = self._producer or self._connect()
        if task == _FORGET:
            self._forget(producer, queue)
            return
        if queue not in self._declared:
            self._declare(producer, queue)
        message = self._app.amqp.as_task_v2(
            str(uuid.uuid4()),
            task,
            args,
            {},
            ignore_result=True,
            expires=max(1.0, until - time.monotonic()),
            # Celery would put a readable copy of the arguments, prompts among them, into the
            # headers and from there into logs.
            argsrepr="…",
            kwargsrepr="…",
        )
        producer.publish(
            message.body,
            headers=message.headers,
            exchange="",
            routing_key=queue,
            serializer="msgpack",
            **message.properties,
        )

    def _forget(self, producer: Producer, name: str) -> None:
        self._declared.discard(name)
        channel: Any = producer.channel
        if self._is_amqp():
            channel.queue_delete(name)
            channel.exchange_delete(name)
            return
        # Redis knows a queue's binding only on the connection that made it.
        queue = self._app.amqp.queues.new_missing(name)(channel)
        queue.declare()
        queue.delete()

    def _is_amqp(self) -> bool:
        return self._connection is not None and self._connection.transport.driver_type == "amqp"

    def _declare(self, producer: Producer, queue: str) -> None:
        """With AMQP a message to a queue that is not there is dropped; Redis needs nothing."""
        if self._connection is not None and self._is_amqp():
            arguments = {"x-queue-type": "quorum"}
            Queue(queue, queue_arguments=arguments)(self._connection).declare()
        self._declared.add(queue)

    def _connect(self) -> Producer:
        self._connection = self._app.connection_for_write(connect_timeout=2.0)
        self._connection.connect()
        self._producer = Producer(self._connection.channel(), serializer="msgpack")
        return self._producer

    def _disconnect(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        self._declared.clear()
        if connection is not None:
            try:
                connection.release()
            except Exception as error:
                log.debug("closing a broken connection: %s", error)

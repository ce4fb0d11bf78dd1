"""Daphne with a lifespan and a drain."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.cli import daphne_app
from tests.cli.conftest import ROOT

Start = Callable[..., tuple[subprocess.Popen[str], int]]


@pytest.fixture(params=["127.0.0.1", "::1"])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    listener = socket.create_server((request.param, 0), family=family)
    processes = []

    def run(**environment: str) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [sys.executable, daphne_app.__file__, str(listener.fileno())],
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
        processes.append(process)
        return process, listener.getsockname()[1]

    start_host.append(request.param)
    yield run
    start_host.pop()
    listener.close()
    for process in processes:
        process.kill()
        process.communicate()


start_host: list[str] = []


def get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection(start_host[-1], port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def test_lifespan_and_drain(start: Start) -> None:
    process, port = start()
    assert get(port, "/0") == b"end"
    answers: list[bytes] = []
    request = threading.Thread(target=lambda: answers.append(get(port, "/15")))
    request.start()
    time.sleep(0.4)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=15)
    request.join()
    assert answers == [b"." * 15 + b"end"]
    assert output.split() == ["lifespan.startup", "lifespan.shutdown"]
    assert process.returncode == 0


def test_request_that_outlasts_the_drain_is_cancelled(start: Start) -> None:
    process, port = start(DRAIN="0.5")
    get(port, "/0")

    def outlasting() -> None:
        with pytest.raises((http.client.HTTPException, OSError)):
            get(port, "/100")

    request = threading.Thread(target=outlasting)
    request.start()
    time.sleep(0.4)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=15)
    assert time.monotonic() - began < 4
    request.join()
    assert output.split() == ["lifespan.startup", "cancelled", "lifespan.shutdown"]


def test_start_that_fails(start: Start) -> None:
    process, _ = start(FAIL="lifespan.startup")
    process.communicate(timeout=15)
    assert process.returncode == 3

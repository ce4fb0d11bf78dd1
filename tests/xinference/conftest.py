"""One server for all tests here, and Xinference's published clients pointed at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from xinference_client import AsyncRESTfulClient, RESTfulClient

from tests.support.server import API_KEY, Server, serving


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    made = RESTfulClient(server.base, api_key=API_KEY)
    yield made
    made.close()


@pytest_asyncio.fixture
async def aclient(server: Server) -> AsyncIterator[Any]:
    made = AsyncRESTfulClient(server.base, api_key=API_KEY)
    yield made
    await made.close()

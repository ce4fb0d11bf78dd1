"""The whole OpenAPI document, asked as nobody, as each role of a project and as a superuser: no
500, no answer that the document does not describe, no data of another project."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.scan import Effort, scan
from tests.contract.world import NOBODY, SUPERUSER, World, make_world
from tests.support.server import Server, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # Engines of its own, which are none: those of other tests would be there to be removed.
    home = Path(tempfile.mkdtemp(prefix="xp-"))
    (home / "engines").mkdir()
    # Without hubs, and with patience for wrong passwords: lockouts have tests of their own.
    patience = ("--login-tries", "100", "--login-wait", "1", "--login-longest-wait", "1")
    try:
        with serving("--offline", *patience, home=home) as made:
            yield made
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    return make_world(server)


# The last may end what the others need.
@pytest.mark.timeout(900)  # some ten times what it takes where nothing else runs
@pytest.mark.parametrize(
    ("who", "effort", "least"),
    [
        (NOBODY, Effort(one_in=40, turn=0, examples=0), 10),
        ("viewer", Effort(one_in=24, turn=1, examples=0), 40),
        ("developer", Effort(one_in=16, turn=2, examples=1), 60),
        ("admin", Effort(one_in=16, turn=3, examples=1), 70),
        (SUPERUSER, Effort(one_in=8, turn=4, examples=1), 120),
    ],
)
def test_answers_are_as_the_document_says(
    server: Server, world: World, who: str, effort: Effort, least: int
) -> None:
    found = scan(server, world, who, effort)
    assert not found.problems, "\n\n".join(found.problems[:10])
    # It was not refused throughout.
    assert len(found.worked) >= least, sorted(found.asked - found.worked)
    assert server.get("/readyz").status == 200

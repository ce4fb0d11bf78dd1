"""An engine that answers heartbeats but generates nothing is found without any request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.clients import stream, whole
from tests.support.server import Server, serving, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(XPLATFORM_PROBE_SECONDS="1", XPLATFORM_PROBE_TIMEOUT="2") as made:
        yield made


def end(server: Server, uid: str) -> None:
    assert server.request("DELETE", f"/api/launches/{uid}").status == 200


@pytest.mark.parametrize("healthy_probes", [0, 2])
def test_an_engine_that_went_mute_is_replaced(
    server: Server, tmp_path: Path, healthy_probes: int
) -> None:
    happened = tmp_path / "happened"
    options: dict[str, Any] = {"step_ms": 5, "once_file": str(happened)}
    if healthy_probes:
        options["mute_after_jobs"] = healthy_probes
    else:  # from the very first token on: it must not be called ready
        options["hang_at_token"] = 1
    server.launch("mute", options=options)
    mute = wait_for(lambda: happened.exists() and happened.read_text(), "an engine to be mute", 60)
    wait_for(lambda: server.engine_pid("mute") != int(mute), "another engine", 60)
    wait_for(lambda: server.state("mute") == "ready", "it to be ready", 30)
    stream(server, "mute", 10).counted(10)
    end(server, "mute")


@pytest.mark.parametrize("kind", ["llm", "embedding"])
def test_probes_are_told_but_count_as_no_use(server: Server, kind: str) -> None:
    server.launch("quiet", kind=kind, options={"step_ms": 5})
    engine = server.engine_pid("quiet")

    def probed() -> float:
        (probe,) = (
            replica["probe_seconds"]
            for replica in server.get("/status").json()["replicas"]
            if replica["model"] == "quiet" and replica["state"] == "ready"
        )
        return float(probe)

    assert probed() > 0  # before it was called ready
    first = probed()
    wait_for(lambda: probed() != first, "another probe", 30)
    assert server.engine_pid("quiet") == engine
    samples = [
        sample
        for family in text_string_to_metric_families(server.get("/metrics").body.decode())
        for sample in family.samples
        if sample.labels.get("model") == "quiet" and family.name in ("xplatform_tokens",)
    ]
    assert samples == []
    end(server, "quiet")


def test_requests_run_beside_a_probe(server: Server) -> None:
    server.launch("busy", options={"step_ms": 5, "prefill_ms": 500}, slots=4)
    for _ in range(3):
        calls = [stream(server, "busy", 20), whole(server, "busy", 20)]
        for call in calls:
            call.counted(20)
    end(server, "busy")

"""The control plane's pass over a large cluster: launches, nodes and devices that are only rows.

Each database gets a process of its own, which makes the rows, does the passes and tells the
seconds as JSON. The pass is what a control worker does each second (``rounds.do_round``), with all
that it reads and writes; only the messages go nowhere.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from bench import processes
from bench.report import Report

GROUP = "control"
#: (launches, nodes): with eight devices a node the last one is what is promised
SIZES = [(250, 50), (500, 100), (1000, 200)]
DEVICES = 8
LIMIT = 1.0
#: room for what others do to the machine, where cost is to grow with what there is
NOISE = 1.5
_G = 1024**3


def bench(report: Report) -> None:
    from tests.support import postgres

    sizes = SIZES[-2:] if report.quick else SIZES
    databases: dict[str, Any] = {"SQLite": nullcontext("")}
    if postgres.programs() is not None:
        databases["PostgreSQL"] = postgres.running()
    else:
        report.row(GROUP, "passes on PostgreSQL", "its programs are missing", "—", None)
    report.raw[GROUP] = {}
    for name, database in databases.items():
        with database as url:
            report.calm()
            noise = _others()
            results = _measure(url, sizes)
            # A database's server works for us as well: others are looked at before and after.
            noise = max(noise, _others())
        report.raw[GROUP][name] = results
        _show(report, name, results, noise)


def _others() -> float:
    """The part of the machine that others take just now."""
    meter = processes.Meter()
    time.sleep(1.0)
    return meter.stop().noise


def _measure(url: str, sizes: list[tuple[int, int]]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="xp-bench-") as home:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("XPLATFORM_")}
        environ |= {
            "XPLATFORM_HOME": home,
            "XPLATFORM_DATABASE": url,
            "DJANGO_SETTINGS_MODULE": "xplatform.settings",
        }
        done = subprocess.run(
            [sys.executable, "-m", "bench.control", json.dumps(sizes)],
            env=environ, capture_output=True, text=True, timeout=900,
            cwd=Path(__file__).resolve().parents[1],
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the passes broke off:\n{done.stderr[-3000:]}")
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _show(report: Report, database: str, results: list[dict[str, Any]], noise: float) -> None:
    names = [name for name in results[-1] if name not in ("launches", "nodes", "devices")]
    print(f"{database:<12}{'pass':<44}" + "".join(f"{r['launches']:>9}" for r in results))
    for name in names:
        print(f"{'':<12}{name:<44}" + "".join(f"{r[name]:>8.3f}s" for r in results))
    largest = results[-1]
    size = f"{largest['launches']:,} launches, {largest['nodes']} nodes"
    size += f", {largest['devices']:,} devices"
    worst = max(names, key=lambda name: largest[name])
    report.row(
        GROUP,
        f"one pass over {size}, {database}",
        ", ".join(f"{name} {largest[name]:.2f} s" for name in names),
        f"{LIMIT:g} s",
        largest[worst] <= LIMIT,
        noise,
    )
    smallest = results[0]
    times = largest["launches"] / smallest["launches"]
    growth = {name: largest[name] / max(smallest[name], 0.05) for name in names}
    steepest = max(growth, key=lambda name: growth[name])
    report.row(
        GROUP,
        f"× {times:g} as much of all costs at most × {times:g}, {database}",
        f"{steepest}: × {growth[steepest]:.1f}",
        f"× {times:g} (× {times * NOISE:g} with noise)",
        growth[steepest] <= times * NOISE,
        noise,
    )


# --- in a process of its own -------------------------------------------------------------------


class _Nobody:
    """Where the messages go."""

    def send(self, *args: Any, **values: Any) -> None:
        pass

    forget_queue = send


def main(sizes: list[tuple[int, int]]) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from apps.models import transitions
    from apps.models.control import effects

    call_command("migrate", verbosity=0)
    effects.sender = _Nobody  # type: ignore[assignment]
    transitions.broadcast = lambda *args, **values: None
    print(json.dumps([_passes(*size) for size in sizes]))


def _passes(launches: int, nodes: int) -> dict[str, Any]:
    from django.utils import timezone

    from apps.models.models import Demand, Launch, Model, Node, Replica

    _make(launches, nodes)
    found: dict[str, Any] = {"launches": launches, "nodes": nodes, "devices": nodes * DEVICES}
    found["all launches are new"] = _pass()
    assert Replica.objects.filter(state="scheduled").count() == launches
    now = timezone.now()
    Replica.objects.update(state="ready", progress=1.0, changed=now, ready_at=now)
    Launch.objects.update(was_ready=True)
    found["nothing to do"] = statistics.median(_pass() for _ in range(5))
    assert Replica.objects.count() == launches
    rows = [
        Demand(launch=launch, web="w1", at=timezone.now(), running=4, waiting=9, oldest_seconds=3)
        for launch in Launch.objects.order_by("pk")[: launches // 20]
    ]
    Launch.objects.update(max_replicas=2)
    Demand.objects.bulk_create(rows)
    found["every 20th launch is asked for too much"] = _pass()
    assert Launch.objects.filter(wanted=2).count() == launches // 20
    gone = list(Node.objects.values_list("pk", flat=True)[: nodes // 20])
    Node.objects.filter(pk__in=gone).update(heartbeat=timezone.now() - _long())
    _hear_all_but(gone)
    found["every 20th node is silent"] = _pass()
    assert Replica.objects.filter(state="lost").exists()
    assert not Replica.objects.filter(state="ready", node__in=_names(gone)).exists()
    Replica.objects.all().delete()
    Launch.objects.update(wanted=1, max_replicas=1)
    for model in Model.objects.all():
        model.estimate = {"device": 900 * _G, "host": _G}
        model.save()
    _hear_all_but([])
    _pass()
    found["nothing fits, all wait"] = _pass()
    assert Launch.objects.filter(reason__startswith="It fits nowhere").count() == launches
    return found


def _make(launches: int, nodes: int) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from apps.models.models import Demand, Event, Launch, Lease, Model, Node, Replica

    for table in (Demand, Replica, Event, Launch, Model, Node):
        table.objects.all().delete()  # type: ignore[attr-defined]
    now = timezone.now()
    Lease.objects.update_or_create(
        name="control", defaults={"round_at": now, "rounds_since": now - timedelta(hours=1)}
    )
    devices = [{"id": "cpu", "kind": "cpu", "memory_total": 512 * _G, "memory_used": 8 * _G}]
    devices += [
        {
            "id": f"cuda:{index}", "kind": "cuda", "index": index, "name": "made up",
            "memory_total": 80 * _G, "memory_used": 0, "memory_foreign": 0,
        }
        for index in range(DEVICES)
    ]  # fmt: skip
    Node.objects.bulk_create(
        Node(name=f"n{number:04}", heartbeat=now, devices={"devices": devices})
        for number in range(nodes)
    )
    models = Model.objects.bulk_create(
        Model(
            uid=f"m{number:05}",
            engine="fake",
            model_path="/m",
            estimate={"device": (5 + number % 60) * _G, "host": _G},
        )
        for number in range(launches)
    )
    Launch.objects.bulk_create(Launch(model=model, desired="running") for model in models)


def _pass() -> float:
    from apps.models.control import rounds

    began = time.perf_counter()
    rounds.do_round()
    return time.perf_counter() - began


def _hear_all_but(gone: list[int]) -> None:
    from django.utils import timezone

    from apps.models.models import Node

    Node.objects.exclude(pk__in=gone).update(heartbeat=timezone.now())


def _names(gone: list[int]) -> list[str]:
    from apps.models.models import Node

    return list(Node.objects.filter(pk__in=gone).values_list("name", flat=True))


def _long() -> Any:
    from datetime import timedelta

    return timedelta(minutes=5)


if __name__ == "__main__":
    main([(launches, nodes) for launches, nodes in json.loads(sys.argv[1])])

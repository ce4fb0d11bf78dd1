"""What an idle server takes, and how long until it and its first model are there."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import processes
from bench.report import Report, table
from bench.server import Server, engine_python

GROUP = "footprint"


def bench(report: Report) -> None:
    home = Path(tempfile.mkdtemp(prefix="xp-bench-"))
    server = Server(home)
    try:
        _start(report, server)
        _idle(report, server)
        _launch(report, server)
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def _start(report: Report, server: Server) -> None:
    """The last start stays."""
    rounds = 2 if report.quick else 6
    times, noise = [], []
    for i in range(rounds):
        report.calm()
        meter = processes.Meter()
        times.append(server.start())
        # Ours counts as others' here: the meter knows no server yet.
        own = sum(processes.cpu(server.root).values())
        usage = meter.stop()
        noise.append(max(0.0, usage.other - own) / (usage.wall * processes.CORES))
        if i < rounds - 1:
            server.stop()
    lines = [
        [f"start {i + 1}" + (" (makes the database)" if i == 0 else ""), taken, f"{part:.0%}"]
        for i, (taken, part) in enumerate(zip(times, noise, strict=True))
    ]
    print(table("xplatform serve until /readyz says yes", ("", "s", "others' CPU"), lines))
    report.raw["footprint.start_s"] = times
    again = statistics.median(times[1:])
    report.row(
        GROUP,
        "serve to /readyz, database there",
        f"{again:.2f} s (first start {times[0]:.2f} s)",
        "5 s (Xinference recorded: 21)",
        again <= 5,
        statistics.median(noise),
    )


def _idle(report: Report, server: Server) -> None:
    """After a while, and after each process has answered something."""
    time.sleep(2 if report.quick else 10)
    server.call("GET", "/v1/models")
    sizes = processes.memory_mb(server.root)
    meter = processes.Meter(server.root)
    time.sleep(2 if report.quick else 10)
    usage = meter.stop()
    lines = [
        [role, sizes[role], usage.roles.get(role, 0.0) / usage.wall * 100]
        for role in sorted(sizes, key=sizes.__getitem__, reverse=True)
    ]
    print(table("Idle, no model", ("", "PSS MB", "% of a core"), lines))
    total = sum(sizes.values())
    report.raw["footprint.idle_mb"] = sizes
    report.raw["footprint.idle_cpu"] = {r: s / usage.wall for r, s in usage.roles.items()}
    report.row(
        GROUP,
        "Idle server, PSS of all processes",
        f"{total:.0f} MB, {sum(usage.roles.values()) / usage.wall:.1%} of a core",
        "250 MB (Xinference recorded: 830)",
        total <= 250,
    )


def _launch(report: Report, server: Server) -> None:
    what, floor = "Launch of the demo model, command to READY", "2 s (Xinference recorded: 7–10)"
    if engine_python("llama.cpp") is None:
        report.skip(GROUP, what, floor, "the engine llama.cpp is not installed")
        return
    times, noise = [], []
    command = [sys.executable, "-m", "xplatform", "launch", "--uid", "demo"]
    for _ in range(1 if report.quick else 5):
        report.calm()
        meter = processes.Meter(server.root)
        began = time.perf_counter()
        done = subprocess.run(command, env=server.environ, capture_output=True, text=True)
        times.append(time.perf_counter() - began)
        noise.append(meter.stop().noise)
        if done.returncode or server.state("demo") != "ready":
            report.row(GROUP, what, f"failed: {done.stderr.strip()[-200:]}", floor, False)
            return
        server.terminate("demo")
        time.sleep(0.5)
    lines = [[i + 1, t, f"{n:.0%}"] for i, (t, n) in enumerate(zip(times, noise, strict=True))]
    # The command's own processor time counts as others'.
    print(table("xplatform launch --uid demo", ("", "s", "others' CPU"), lines))
    report.raw["footprint.launch_s"] = times
    middle = statistics.median(times)
    report.row(GROUP, what, f"{middle:.2f} s", floor, middle <= 2, statistics.median(noise))

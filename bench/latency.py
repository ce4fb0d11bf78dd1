"""Small answers on a kept-alive connection: does any 40 ms of delayed acknowledgement show?"""

from __future__ import annotations

from bench import load, processes
from bench.blocking import Wire
from bench.load import percentile
from bench.report import Report, table
from bench.server import serving

GROUP = "latency"
PATHS = ("/healthz", "/v1/models")


def bench(report: Report) -> None:
    count = 200 if report.quick else 1000
    lines, medians = [], []
    with serving() as server:
        wire = Wire(server.url)
        report.calm()
        meter = processes.Meter(server.root)
        for path in PATHS:
            request = load.request_bytes(server.url, path, None, server.key)
            for _ in range(20):
                wire.whole(request)
            times = [wire.whole(request) * 1e3 for _ in range(count)]
            medians.append(percentile(times, 50))
            lines.append([path, *(percentile(times, point) for point in (50, 90, 99, 100))])
            report.raw[f"latency{path}"] = [round(value, 3) for value in times]
        usage = meter.stop()
        wire.close()
    print(table("One connection, one request after the other, ms",
                ("", "p50", "p90", "p99", "max"), lines))  # fmt: skip
    report.row(
        GROUP,
        "Small JSON reply, kept-alive connection",
        ", ".join(f"{path} {ms:.2f} ms" for path, ms in zip(PATHS, medians, strict=True)),
        "3 ms at the median (Xinference recorded: 44)",
        max(medians) <= 3,
        usage.noise,
    )

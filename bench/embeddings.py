"""Embeddings by the transformers engine: one text a request, which the engine should batch."""

from __future__ import annotations

import statistics
import subprocess
from pathlib import Path

from bench import load
from bench.load import Load, Result, noise_of, percentile
from bench.report import Report, quiet, table
from bench.server import ROOT, engine_python, serving

GROUP = "embeddings"
#: at once → (requests in a round, in a quick one), floor
LEVELS = {1: (500, 100, 100.0), 32: (3000, 640, 500.0)}
RECORDED = {1: "14", 32: "178–262"}


def bench(report: Report) -> None:
    python = engine_python("transformers")
    if python is None:
        why = "the engine transformers is not installed (make test installs it, 2 GB)"
        for at_once, (_, _, floor) in LEVELS.items():
            report.skip(GROUP, f"Embeddings, {at_once} at once", f"{floor:.0f} requests/s", why)
        return
    model = _model(python)
    with serving() as server:
        server.launch(
            "tiny-bert", engine="transformers", kind="embedding", model_path=str(model), slots=64
        )
        lines, found = [], {}
        for at_once, (full, few, _) in LEVELS.items():
            total = few if report.quick else full

            def turn(number: int, at_once: int = at_once, total: int = total) -> Result:
                return load.run(
                    Load(
                        server.url, "/v1/embeddings", server.key, at_once, total,
                        lambda text: {"model": "tiny-bert", "input": load.prompt(text)},
                        load.check_embedding, number * 100_000, server.root,
                    )
                )  # fmt: skip

            turn(0)  # warm
            results = report.rounds(1 if report.quick else 3, lambda n: turn(n + 1), noise_of)
            found[at_once] = results
            report.raw[f"embeddings.{at_once}"] = [result.summary() for result in results]
            for number, result in enumerate(results):
                cpu = {
                    role.partition(":")[0]: spent / max(1, result.good) * 1e3
                    for role, spent in result.cpu.roles.items()
                }
                lines.append(
                    [
                        at_once, number + 1, result.requests_per_s, len(result.errors),
                        percentile(result.total_ms, 50), percentile(result.total_ms, 99),
                        *(cpu.get(role, 0.0) for role in ("engine", "replica", "web", "broker")),
                        f"{result.cpu.noise:.0%}",
                    ]
                )  # fmt: skip
        server.terminate("tiny-bert")
    columns = (
        "at once", "round", "requests/s", "errors", "p50 ms", "p99 ms", "engine ms/req",
        "replica", "web", "broker", "others' CPU",
    )  # fmt: skip
    print(table("tiny BERT, one text a request", columns, lines))
    for at_once, results in found.items():
        for error in list(dict.fromkeys(e for r in results for e in r.errors))[:2]:
            print("  ", error)
        counted = quiet(results, noise_of)
        speed = statistics.median(result.requests_per_s for result in counted)
        floor = LEVELS[at_once][2]
        report.row(
            GROUP,
            f"Embeddings, {at_once} at once",
            f"{speed:,.0f} requests/s",
            f"{floor:.0f} (Xinference recorded: {RECORDED[at_once]})",
            speed >= floor and not any(result.errors for result in results),
            max(result.cpu.noise for result in counted),
        )


def _model(python: Path) -> Path:
    """Made once by ``tiny_bert.py`` in the engine's environment."""
    folder = ROOT / "build" / "bench" / "tiny-bert"
    if not (folder / "modules.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        script = Path(__file__).with_name("tiny_bert.py")
        subprocess.run([str(python), str(script), str(folder)], check=True)
    return folder

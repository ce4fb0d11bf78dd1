"""The memory estimate against what real engine processes take at their peak, with all slots at
work on full contexts. Random models of some hundred megabytes, so that weights, cache and
activations each matter somewhere."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from apps.models.facts import Estimate, estimate, explain, read_facts
from tests.engines.driver import EngineProcess, engine_python
from tests.support import weighty
from tests.support.weighty import Shape
from xplatform.engines.llama_options import usable_cores
from xplatform.engines.protocol import Ready, Sampling

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

TOLERANCE = 0.15
MIB = 1 << 20

WIDE = Shape(width=1024, layers=4, heads=16, kv_heads=4, hidden=4096)
DEEP = Shape(width=256, layers=16, heads=8, kv_heads=8, hidden=512)
WORDS = Shape(width=256, layers=2, heads=4, kv_heads=2, hidden=512, vocabulary=64_000)


@dataclass(frozen=True)
class Case:
    engine: str
    model: str
    slots: int
    context: int
    options: dict[str, Any] = field(default_factory=dict)
    #: tokens of each request; None: as many as fit
    fill: int | None = None
    #: requests of each slot, one after the other
    rounds: int = 1
    #: of one embedding request
    texts: int = 1


MODELS: dict[str, Callable[[Path], Path]] = {
    "wide.gguf": lambda path: weighty.write_gguf(path, WIDE),
    "deep.gguf": lambda path: weighty.write_gguf(path, DEEP),
    "words.gguf": lambda path: weighty.write_gguf(path, WORDS),
    "embedding.gguf": lambda path: weighty.write_gguf(
        path, Shape(width=512, layers=6, heads=8, kv_heads=8, hidden=1024), pooling=1
    ),
    "wide": lambda path: weighty.write_llama(path, WIDE),
    "half": lambda path: weighty.write_llama(path, WIDE, half=True),
    "deep": lambda path: weighty.write_llama(path, DEEP),
    "bert": lambda path: weighty.write_bert(
        path, Shape(width=384, layers=6, heads=12, hidden=1536, vocabulary=30_000, context=512)
    ),
}
CASES = {
    "llama.cpp, weights": Case("llama.cpp", "wide.gguf", 2, 512, {"cache_ram_mib": 0}),
    "llama.cpp, cache": Case("llama.cpp", "deep.gguf", 2, 2048, {"cache_ram_mib": 0}, fill=700),
    "llama.cpp, cache of eight bits": Case(
        "llama.cpp", "deep.gguf", 4, 1024,
        {"cache_ram_mib": 0, "cache_type_k": "q8_0", "cache_type_v": "q8_0"}, fill=300,
    ),
    "llama.cpp, vocabulary": Case("llama.cpp", "words.gguf", 2, 512, {"cache_ram_mib": 0}),
    "llama.cpp, embeddings": Case("llama.cpp", "embedding.gguf", 2, 1024),
    "transformers, weights": Case("transformers", "wide", 2, 512),
    "transformers, saved in half precision": Case("transformers", "half", 2, 256),
    "transformers, cache": Case("transformers", "deep", 2, 1024),
    "sentence-transformers": Case(
        "transformers", "bert", 1, 256, {"max_batch_texts": 16}, texts=32
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("weighty")

    def model(name: str) -> Path:
        path = root / name
        return path if path.exists() else MODELS[name](path)

    return model


def peak(process: EngineProcess) -> int:
    """Most bytes that were ever resident."""
    for line in Path(f"/proc/{process.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no peak in /proc")


def serve(case: Case, path: Path, kind: str) -> int:
    """Peak of the engine's process after requests that fill its slots."""
    with EngineProcess(case.engine, engine_python(case.engine), timeout=180) as engine:
        ready = engine.load(
            path, kind=kind, slots=case.slots, context_length=case.context, options=case.options
        )
        assert isinstance(ready, Ready), ready
        tokens = case.fill or case.context - 16
        rids = []
        for number in range(case.slots * case.rounds):
            text = [10 + (number * 7919 + place * 31) % 40 for place in range(tokens)]
            rids.append(f"r{number}")
            if kind == "embedding":
                engine.submit(rids[-1], "embedding", {"inputs": [text] * case.texts})
            else:
                sampling = Sampling(max_tokens=4, temperature=0.0, ignore_eos=True)
                engine.submit(rids[-1], "completion", {"prompt": text}, sampling)
        engine.finish(*rids)
        for rid in rids:
            assert engine.answers[rid].fault is None, engine.answers[rid].fault
        return peak(engine)


def expected(case: Case, path: Path) -> Estimate:
    return estimate(
        read_facts(path), case.engine, case.slots, case.context, case.options, cores=usable_cores()
    )


def compared(case: Case, path: Path) -> tuple[Estimate, int]:
    return expected(case, path), serve(case, path, read_facts(path).kind)


@pytest.mark.parametrize("name", CASES)
def test_the_estimate_is_close_to_the_peak(name: str, models: Callable[[str], Path]) -> None:
    case = CASES[name]
    found, measured = compared(case, models(case.model))
    own = found.total - found.worker
    rows = ", ".join(f"{what} {size / MIB:.1f}" for what, size in explain(found))
    told = f"{name}: measured {measured / MIB:.1f} MiB, estimated {own / MIB:.1f} MiB ({rows})"
    print(told)
    wrong = abs(own - measured)
    assert wrong <= TOLERANCE * measured, told
    # An empty engine is a good part of that; also what the model adds to it is told rightly.
    assert wrong <= 2 * TOLERANCE * (measured - found.overhead), told
    assert found.host == found.total and found.device == 0


def test_old_prompts_stay_within_what_is_told_of_them(models: Callable[[str], Path]) -> None:
    case = Case("llama.cpp", "deep.gguf", 1, 512, {"cache_ram_mib": 32}, rounds=8)
    path = models(case.model)
    found = expected(case, path)
    assert found.kept == 32 * MIB
    measured = serve(case, path, "llm") + found.worker
    assert found.total + found.kept // 2 < measured < (found.total + found.kept) * (1 + TOLERANCE)


def main() -> None:
    """The table of docs/memory.md, measured here and now."""
    print("| engine | what counts | slots × context | measured | estimated |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, case in CASES.items():
            path = Path(folder) / case.model
            found, measured = compared(case, path if path.exists() else MODELS[case.model](path))
            own = found.total - found.worker
            what = name.partition(", ")[2] or "activations"
            print(
                f"| {name.partition(', ')[0]} | {what} | {case.slots} × {case.context}"
                f" | {measured / MIB:.0f} MiB | {own / MIB:.0f} MiB ({own / measured - 1:+.1%}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()

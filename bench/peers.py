"""Side by side with a running Xinference (or any OpenAI-compatible server), in turns.

Making one takes 2 GB and an environment of its own, so nothing here does it by itself:

1.  ``pip install torch==2.13.0 torchvision==0.28.0 xinference==4.1.0``, then
    ``pip uninstall torchvision``, then ``pip install xllamacpp gguf 'sentence-transformers<6'``.
2.  ``XINFERENCE_HOME=… XINFERENCE_AUTH_ADVANCED=0 HF_HUB_OFFLINE=1 xinference-local --host
    127.0.0.1 --port 19997``.
3.  ``python -m bench.peers register http://127.0.0.1:19997`` makes the tiny model, registers it
    there and launches it with llama.cpp: as ``lc-2`` with the slots that it takes by itself, and
    as ``lc-16`` with more.
4.  ``python -m bench peers --peer http://127.0.0.1:19997``.

Both servers stay up all the time; only one of them has work at any moment. An idle Xinference
polls, which shows in the others' CPU of our rounds. In each turn the engine also runs alone, in
one process without any server: what no server with these slots and threads can pass.
"""

from __future__ import annotations

import json
import statistics
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bench import load, tiny_llm
from bench.llama import RawEngine, Setup, alone_in
from bench.load import Answer, Load, Result, percentile
from bench.report import Report, table
from bench.server import ROOT, engine_python, serving

GROUP = "peers"
TOKENS, CONTEXT = 64, 1024
#: streams → (requests in a round, in a quick one)
LEVELS = {1: (40, 20), 8: (160, 80), 32: (320, 128), 128: (640, 256)}
#: what Xinference takes by itself on two cores, and more: with 2 slots the first token waits for a
#: slot, in the bare engine too
SLOTS, THREADS = (2, 16), 1


def bench(report: Report, peer: str | None, peer_key: str | None) -> None:
    if not peer:
        report.skip(GROUP, "Side by side", "3 × its tok/s, ½ its first token", "no --peer given")
        return
    python = engine_python("llama.cpp")
    if python is None:
        report.skip(GROUP, "Side by side", "3 ×, ½", "the engine llama.cpp is not installed")
        return
    tiny = model_file()
    with serving() as server:
        for slots in SLOTS:
            server.launch(
                f"tiny-{slots}", engine="llama.cpp", model_path=str(tiny), slots=slots,
                context_length=CONTEXT,
                options={"n_threads": THREADS, "n_threads_batch": THREADS},
            )  # fmt: skip
            sides = (
                ("ours", server.url, f"tiny-{slots}", server.key),
                ("theirs", peer.rstrip("/"), f"lc-{slots}", peer_key),
            )
            with alone_in(python, Setup("alone", tiny, slots, THREADS, TOKENS)) as raw:
                _compare(report, slots, sides, raw)


def _compare(
    report: Report, slots: int, sides: tuple[tuple[str, str, str, str | None], ...], raw: RawEngine
) -> None:
    lines: list[list[Any]] = []
    for _, url, model, key in sides:  # warm
        load.run(_load(url, model, key, 2, 6, 0))
    for streams, (full, quick) in LEVELS.items():
        found: dict[str, list[Result]] = {name: [] for name, *_ in sides}
        alone: list[tuple[float, float]] = []
        for turn in range(1 if report.quick else 3):
            total = quick if report.quick else full
            for name, url, model, key in sides:
                first = streams * 100_000 + turn * 10_000
                result = load.run(_load(url, model, key, streams, total, first))
                found[name].append(result)
                lines.append(
                    [
                        streams, turn + 1, name, result.tokens_per_s,
                        percentile(result.first_ms, 50), percentile(result.first_ms, 99),
                        percentile(result.gap_ms, 99), len(result.errors),
                    ]
                )  # fmt: skip
            prompts = [load.prompt(streams * 100_000 + turn * 10_000 + i) for i in range(total)]
            bare = raw.run(streams, TOKENS, prompts)
            alone.append((bare["tokens"] / bare["wall_s"], percentile(bare["first_ms"], 50)))
            lines.append([streams, turn + 1, "alone", *alone[-1], "", "", ""])
        report.raw[f"peers.{slots}.{streams}"] = {
            **{name: [result.summary() for result in results] for name, results in found.items()},
            "alone": [{"tokens_per_s": speed, "first_ms": first} for speed, first in alone],
        }
        _row(report, slots, streams, found, alone)
    columns = (
        "streams", "round", "side", "tok/s", "first p50 ms", "first p99 ms", "gap p99 ms", "errors",
    )  # fmt: skip
    print(table(f"tiny LLM, {slots} slots, {THREADS} thread, {TOKENS} tokens", columns, lines))


def _row(
    report: Report,
    slots: int,
    streams: int,
    found: dict[str, list[Result]],
    alone: list[tuple[float, float]],
) -> None:
    speed = {n: statistics.median(r.tokens_per_s for r in rs) for n, rs in found.items()}
    first = {
        n: statistics.median(percentile(r.first_ms, 50) for r in rs) for n, rs in found.items()
    }
    faster = speed["ours"] / max(1.0, speed["theirs"])
    sooner = first["ours"] / max(0.01, first["theirs"])
    report.row(
        GROUP,
        f"side by side, {slots} slots, {streams} streams",
        f"{speed['ours']:,.0f} against {speed['theirs']:,.0f} tok/s ({faster:.1f} ×), first token "
        f"{first['ours']:.0f} against {first['theirs']:.0f} ms ({sooner:.2f} ×); the engine alone "
        f"{statistics.median(a[0] for a in alone):,.0f} tok/s, "
        f"{statistics.median(a[1] for a in alone):.0f} ms",
        "3 × its tok/s, ½ its first token",
        faster >= 3 and sooner <= 0.5 and not any(r.errors for r in found["ours"]),
    )


def _load(url: str, model: str, key: str | None, streams: int, total: int, first: int) -> Load:
    return Load(
        url, "/v1/chat/completions", key, streams, total,
        lambda number: load.chat_body(model, number, TOKENS), _check, first,
    )  # fmt: skip


def _check(answer: Answer) -> int:
    """Looser than for ours: others end a stream twice, or separate events otherwise."""
    if answer.broken or answer.status != 200:
        raise ValueError(answer.broken or f"HTTP {answer.status} {answer.body()[:150]!r}")
    counted = pieces = 0
    for line in answer.body().splitlines():
        if not line.startswith(b"data:") or line[5:].strip() == b"[DONE]":
            continue
        chunk = json.loads(line[5:])
        if chunk.get("error"):
            raise ValueError(f"the stream broke off: {chunk['error']}")
        if usage := chunk.get("usage"):
            counted = usage["completion_tokens"]
        pieces += any((c.get("delta") or {}).get("content") for c in chunk.get("choices") or ())
    if not pieces:
        raise ValueError("no text")
    return counted or pieces


# --- getting the model into Xinference --------------------------------------------------------


def model_file() -> Path:
    return tiny_llm.make(ROOT / "build" / "bench" / "tiny-llm.gguf")


def register(peer: str) -> None:
    path = model_file()
    model = {
        "version": 2,
        "context_length": tiny_llm.CONTEXT,
        "model_name": "tiny-llm",
        "model_lang": ["en"],
        "model_ability": ["generate", "chat"],
        "model_description": "random weights, for load tests",
        "model_family": "tiny-llm",
        "model_specs": [
            {
                "model_format": "ggufv2",
                "model_size_in_billions": 1,
                "quantization": "F16",
                "model_id": "local/tiny-llm",
                "model_file_name_template": path.name,
                "model_uri": str(path),
            }
        ],
        "chat_template": tiny_llm.TEMPLATE,
        "stop_token_ids": [2],
        "stop": ["<|im_end|>"],
        "architectures": ["LlamaForCausalLM"],
    }
    _post(peer, "/v1/model_registrations/LLM", {"model": json.dumps(model), "persist": True})
    for slots in SLOTS:
        launch = {
            "model_name": "tiny-llm",
            "model_uid": f"lc-{slots}",
            "model_engine": "llama.cpp",
            "model_format": "ggufv2",
            "model_size_in_billions": 1,
            "quantization": "F16",
            "n_gpu": None,
            "n_threads": THREADS,
            "n_parallel": slots,
            "n_ctx": CONTEXT * slots,
        }
        _post(peer, "/v1/models", launch)


def _post(peer: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(peer.rstrip("/") + path, data=json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            print(path, answer.status, answer.read()[:200].decode(errors="replace"))
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: HTTP {error.code} {error.read()[:300].decode(errors='replace')}")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "register":
        sys.exit("usage: python -m bench.peers register URL")
    register(sys.argv[2])

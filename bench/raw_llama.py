"""The ceiling: llama.cpp in one process with threads, without HTTP and without us.

Run by the Python of the engine's environment, so it imports nothing of ours:

    python raw_llama.py '{"path": …, "slots": 2, "threads": 1, "context": 2048}'

Then each line on standard input, ``{"streams": 8, "total": 160, "tokens": 64, "prompts": […]}``,
is answered by one line of JSON.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from typing import Any


def main() -> None:
    spec = json.loads(sys.argv[1])
    # llama.cpp talks on both; the answers go where nobody else writes.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = spec["path"]
    params.n_ctx = spec["context"] * spec["slots"]
    params.n_parallel = spec["slots"]
    params.use_jinja = True
    params.verbosity = 0
    if spec["threads"]:
        params.cpuparams.n_threads = spec["threads"]
        params.cpuparams_batch.n_threads = spec["threads"]
    server = xllamacpp.Server(params)
    _chat(server, "warm", 4)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(_run(server, **job)), file=answers, flush=True)
    os._exit(0)


def _run(server: Any, streams: int, tokens: int, prompts: list[str]) -> dict[str, Any]:
    numbers = itertools.count()
    results: list[tuple[float, int]] = []

    def work() -> None:
        for number in numbers:
            if number >= len(prompts):
                return
            results.append(_chat(server, prompts[number], tokens))

    threads = [threading.Thread(target=work) for _ in range(streams)]
    began, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    return {
        "wall_s": wall,
        "tokens": sum(count for _, count in results),
        "first_ms": [first * 1e3 for first, _ in results],
        "cpu_s": time.process_time() - cpu,
    }


def _chat(server: Any, prompt: str, tokens: int) -> tuple[float, int]:
    """Seconds to the first text, and the number of tokens as llama.cpp counted them."""
    began = time.perf_counter()
    first, count = 0.0, 0

    def on_chunk(chunks: Any) -> bool:
        nonlocal first, count
        for chunk in chunks if isinstance(chunks, list) else [chunks]:
            if not first and any(c["delta"].get("content") for c in chunk.get("choices") or ()):
                first = time.perf_counter() - began
            if usage := chunk.get("usage"):
                count = usage["completion_tokens"]
        return False

    body = {
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    server.handle_chat_completions(body, on_chunk)
    return first, count


if __name__ == "__main__":
    main()

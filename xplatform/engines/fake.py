"""The fake engine: no model, tokens at a set speed, failures on request.

For tests and benchmarks only; it is never chosen by itself. The text of an answer is a count
(``0 1 2 …``), so a lost, doubled or reordered token shows at a glance, and a continuation can be
checked against an undisturbed run. It runs in the server's own environment.
"""

from __future__ import annotations

import math
import os
import struct
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Engine, EngineFault
from .protocol import Adapter, Capabilities, Delta, Load, Ready, Submit, Usage

_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class Switches:
    """Options of the fake engine, all but the first two for failures."""

    step_ms: float = 10.0
    prefill_ms: float = 0.0
    load_s: float = 0.0
    memory_mb: int = 0
    #: exit with this code while loading
    die_in_load: int = 0
    #: exit hard when any request reaches this token
    die_at_token: int = 0
    #: … but only in the first process that finds this file missing, and writes its pid into it
    once_file: str = ""
    #: stop making steps (the process stays alive) at this token
    hang_at_token: int = 0
    #: after this many jobs take more, but make no steps for them (the process stays alive)
    mute_after_jobs: int = 0
    #: send bytes that are no message at this token
    garbage_at_token: int = 0
    #: claim to be out of memory while loading
    out_of_memory: bool = False
    #: adapters are taken at the start only, as llama.cpp does
    adapters_at_start: bool = False
    #: refuse requests that name a parameter, as if the engine could not do it
    max_prompt_chars: int = 100_000


@dataclass(slots=True)
class _Job:
    rid: str
    prompt_tokens: int
    total: int
    done: int
    starts: float
    index_count: int
    #: before each number: the adapter's name
    mark: str


class Fake(Engine):
    name = "fake"
    capabilities: ClassVar[dict[str, Capabilities]] = {
        "llm": Capabilities(
            abilities=("chat", "completion", "tokenize", "detokenize", "continuation", "adapters"),
            parameters=(
                "max_tokens", "temperature", "top_p", "top_k", "seed", "stop", "n", "ignore_eos",
            ),
        ),
        "embedding": Capabilities(abilities=("embedding",), parameters=("dimensions",)),
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Condition()
        self._ballast = b""
        self._taken = 0
        #: this process is the one that fails
        self._failing = False

    def version(self) -> str:
        return "1"

    def load(self, load: Load) -> Ready:
        try:
            self._switches = Switches(**load.options)
        except TypeError as error:
            raise EngineFault("invalid", f"option of the fake engine: {error}") from None
        if self._switches.out_of_memory:
            raise MemoryError
        parts = 20
        for part in range(parts):
            if self._switches.load_s:
                time.sleep(self._switches.load_s / parts)
            if self._switches.die_in_load and part == parts // 2:
                print("fake engine: dying in load, as told", flush=True)
                os._exit(self._switches.die_in_load)
            self.progress("loading", (part + 1) / parts)
        self._ballast = os.urandom(self._switches.memory_mb << 20)
        self._slots = load.slots
        threading.Thread(target=self._loop, name="steps", daemon=True).start()
        return Ready(
            load.kind, load.slots, load.context_length or 8192, self.capabilities[load.kind]
        )

    def set_adapters(self, adapters: Sequence[Adapter]) -> None:
        if self._switches.adapters_at_start:
            super().set_adapters(adapters)

    def submit(self, job: Submit) -> None:
        self.check_adapter(job.adapter)
        if job.kind == "embedding":
            self._embed(job)
        elif job.kind == "tokenize":
            text = _prompt_text(job.payload)
            words = text.split(" ")
            ids = [zlib.crc32(word.encode()) & 0xFFFF for word in words]
            self.emit([Delta(job.rid, done=True, result={"tokens": ids, "texts": words})])
        elif job.kind == "detokenize":
            text = " ".join(str(token) for token in job.payload["tokens"])
            self.emit([Delta(job.rid, done=True, result={"text": text})])
        else:
            self._generate(job)

    def _generate(self, job: Submit) -> None:
        text = _prompt_text(job.payload)
        prompt_tokens = len(text.split())
        if prompt_tokens > 8192:
            raise EngineFault(
                "too_long",
                f"the prompt has {prompt_tokens} tokens, the model takes 8192",
                data={"tokens": prompt_tokens, "limit": 8192},
            )
        starts = time.monotonic() + self._switches.prefill_ms / 1000
        self._taken += 1
        if 0 < self._switches.mute_after_jobs < self._taken and self._first_time():
            starts = math.inf
        total = job.sampling.max_tokens or 64
        with self._lock:
            self._jobs[job.rid] = _Job(
                job.rid, prompt_tokens, total, job.prefix_count, starts, job.sampling.n,
                f"{job.adapter}:" if job.adapter else "",
            )  # fmt: skip
            self._lock.notify()

    def _embed(self, job: Submit) -> None:
        inputs: list[Any] = job.payload["inputs"]
        dimensions = job.payload.get("dimensions") or _DIMENSIONS
        rows = b"".join(
            struct.pack(
                f"<{dimensions}f",
                *(zlib.crc32(f"{i}{text}".encode()) / 2**32 for i in range(dimensions)),
            )
            for text in inputs
        )
        usage = Usage(sum(len(str(text).split()) for text in inputs), 0)
        result = {"vectors": rows, "dimensions": dimensions}
        self.emit([Delta(job.rid, done=True, usage=usage, result=result)])

    def abort(self, rid: str) -> None:
        with self._lock:
            job = self._jobs.pop(rid, None)
        if job is not None:
            usage = Usage(job.prompt_tokens, job.done)
            self.emit([Delta(rid, finish="abort", done=True, usage=usage)])

    def _loop(self) -> None:
        step = self._switches.step_ms / 1000
        next_step = time.monotonic()
        while True:
            with self._lock:
                while not self._jobs:
                    self._lock.wait()
                    next_step = time.monotonic() + step
            time.sleep(max(0.0, next_step - time.monotonic()))
            next_step = max(next_step + step, time.monotonic())
            with self._lock:
                deltas = self._step(time.monotonic())
            if deltas:
                self.emit(deltas)

    def _step(self, now: float) -> list[Delta]:
        deltas = []
        active = [job for job in self._jobs.values() if job.starts <= now][: self._slots]
        for job in active:
            self._fail_if_told(job.done + 1)
            text = f"{job.mark}{job.done} "
            job.done += 1
            if job.done < job.total:
                for index in range(job.index_count):
                    deltas.append(Delta(job.rid, index, text, count=1))
                continue
            del self._jobs[job.rid]
            usage = Usage(job.prompt_tokens, job.done * job.index_count)
            for index in range(job.index_count):
                last = index == job.index_count - 1
                deltas.append(
                    Delta(
                        job.rid, index, text, finish="length", count=1,
                        done=last, usage=usage if last else None,
                    )
                )  # fmt: skip
        return deltas

    def _fail_if_told(self, token: int) -> None:
        told = self._switches
        if token not in (told.die_at_token, told.hang_at_token, told.garbage_at_token):
            return
        if not self._first_time():
            return
        if token == told.die_at_token:
            print("fake engine: dying at a token, as told", flush=True)
            os._exit(9)
        if token == told.garbage_at_token:
            self._link._socket.sendall(b"\x00\x00\x00\x05rubbish that is no message")
        while token == told.hang_at_token:
            time.sleep(1)

    def _first_time(self) -> bool:
        """Is this the process that is to fail?"""
        file = self._switches.once_file
        if file and not self._failing:
            try:
                with open(file, "x") as mark:
                    mark.write(str(os.getpid()))
            except FileExistsError:
                return False
        self._failing = True
        return True


def _prompt_text(payload: dict[str, Any]) -> str:
    if "messages" in payload:
        return " ".join(str(message.get("content") or "") for message in payload["messages"])
    prompt = payload.get("prompt", payload.get("text", ""))
    return prompt if isinstance(prompt, str) else " ".join(map(str, prompt))

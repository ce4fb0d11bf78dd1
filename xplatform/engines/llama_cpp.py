"""llama.cpp, embedded through xllamacpp: GGUF models on CPU, CUDA and Metal.

``load`` starts llama.cpp's server inside this process, listening on a private Unix socket;
``llama_wire`` talks to it, ``llama_jobs`` and ``llama_generation`` are the jobs, and this module
holds the model and the queue. Not more requests than slots (and a few, so that a freed slot is
taken at once) are handed to llama.cpp; the others wait here, where dropping one costs nothing.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections import deque
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Final

from .base import Engine, EngineFault
from .gguf_header import GgufHeader
from .llama_generation import Generation
from .llama_jobs import Detokenize, Embedding, Job, Model, Part, Tokenize
from .llama_load import (
    checked_header,
    cpu_batch,
    default_context,
    examine,
    has_gpu,
    private_folder,
    start_server,
)
from .llama_lora import Loras
from .llama_options import apply_options, default_threads
from .llama_wire import Exchange, Wire
from .protocol import Adapter, Capabilities, Delta, Load, Ready, Submit

log = logging.getLogger(__name__)

#: Requests handed to llama.cpp beyond its slots: tokenised and ready when a slot gets free.
SPARE: Final = 2
#: For models of less than this many bytes one thread is faster than waiting for each other.
ONE_THREAD_BYTES: Final = 32 << 20
#: llama.cpp would keep up to 8 GiB of old prompts in memory.
PROMPT_CACHE_MIB: Final = 512

SAMPLING: Final = (
    "max_tokens", "temperature", "top_p", "top_k", "min_p", "frequency_penalty",
    "presence_penalty", "repetition_penalty", "seed", "stop", "logit_bias", "logprobs", "n",
    "ignore_eos",
)  # fmt: skip
ASKING: Final = (
    "echo", "suffix", "tools", "tool_choice", "parallel_tool_calls", "response_format",
    "chat_template_kwargs", "grammar",
)  # fmt: skip
ABILITIES: Final = (
    "chat", "completion", "tokenize", "detokenize", "tools", "json_schema", "json_object",
    "continuation", "reasoning", "vision", "adapters",
)  # fmt: skip

JOBS: Final[dict[str, type[Job]]] = {
    "chat": Generation,
    "completion": Generation,
    "embedding": Embedding,
    "tokenize": Tokenize,
    "detokenize": Detokenize,
}


class LlamaCpp(Engine):
    name = "llama.cpp"
    capabilities: ClassVar[dict[str, Capabilities]] = {
        "llm": Capabilities(ABILITIES, SAMPLING + ASKING),
        "embedding": Capabilities(("embedding", "tokenize", "detokenize"), ("dimensions",)),
    }

    #: measured: the fewer frames, the more tokens; nobody sees two milliseconds
    coalesce_seconds = 0.002

    model: Model

    def __init__(self) -> None:
        super().__init__()
        #: deltas of this round of the wire
        self.out: list[Delta] = []
        self._jobs: dict[str, Job] = {}
        self._queue: deque[Part] = deque()
        self._open = 0
        self._limit = 1
        self._server: Any = None
        self._wire: Wire | None = None
        self._folder: Path | None = None
        self._loras = Loras(())

    def version(self) -> str:
        return version("xllamacpp")

    # -- loading ------------------------------------------------------------------------------

    def load(self, load: Load) -> Ready:
        self.progress("reading", 0.0)
        header = checked_header(load.model_path)
        if load.kind not in self.capabilities:
            raise EngineFault(
                "unsupported", f"llama.cpp serves no {load.kind} models", param="kind"
            )
        context = load.context_length or default_context(header, load.kind)
        self._loras = Loras(load.adapters)
        params = self._params(load, header, context)
        self._folder = private_folder()
        path = str(self._folder / "llama.sock")
        params.hostnames = [path]
        try:
            self.progress("loading", 0.1, f"loading {os.path.basename(load.model_path)}")
            self._server = start_server(params, load.model_path)
            self.progress("checking", 0.95)
            self.model = examine(path, load, header, context, bool(params.chat_template))
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._limit = load.slots + SPARE
        self._wire = Wire(path, self._flush)
        self._wire.start()
        return Ready(
            load.kind,
            load.slots,
            self.model.context_length,
            self._ready_capabilities(),
            self._details(params),
        )

    def _params(self, load: Load, header: GgufHeader, context: int) -> Any:
        import xllamacpp

        params = xllamacpp.CommonParams()
        threads = 1 if header.file_bytes < ONE_THREAD_BYTES else default_threads()
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.cache_ram_mib = PROMPT_CACHE_MIB
        if not has_gpu(xllamacpp):
            params.n_batch = params.n_ubatch = cpu_batch(header, threads, load.slots)
        if load.kind == "embedding":
            params.embedding = True
            params.n_batch = params.n_ubatch = context
            if not header.pooling_type:
                params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        options = dict(load.options)
        if isinstance(projector := options.get("mmproj"), str):
            # Named as it lies beside the model.
            options["mmproj"] = str(Path(load.model_path).parent / projector)
        if "n_threads" in options and "n_threads_batch" not in options:
            options["n_threads_batch"] = options["n_threads"]
        apply_options(params, options)
        params.n_threads_http = 2 * (load.slots + SPARE) + 8
        params.model.path = load.model_path
        params.model_alias = {"m"}  # it is repeated in every event
        params.n_parallel = load.slots
        params.n_ctx = context * load.slots  # llama.cpp divides it by the slots
        params.lora_adapters = self._loras.params()
        params.endpoint_props = True
        params.use_jinja = True
        params.ui = False
        params.verbosity = 1  # errors; more costs a quarter of the speed of a small model
        return params

    def _ready_capabilities(self) -> Capabilities:
        model, known = self.model, self.capabilities[self.model.kind]
        lacks = set()
        if model.kind == "llm":
            if not model.has_template:
                lacks |= {"chat", "tools", "reasoning", "chat_template_kwargs"}
            if not model.tools:
                lacks |= {"tools", "tool_choice", "parallel_tool_calls"}
            if model.plain_template:
                lacks.add("reasoning")
            if not model.vision:
                lacks.add("vision")
            if not model.infill:
                lacks.add("suffix")
        return Capabilities(
            tuple(name for name in known.abilities if name not in lacks),
            tuple(name for name in known.parameters if name not in lacks),
        )

    def _details(self, params: Any) -> dict[str, Any]:
        header = self.model.header
        details: dict[str, Any] = {
            "architecture": header.architecture,
            "vocabulary_size": self.model.vocabulary,
            "embedding_length": header.embedding_length,
            "trained_context_length": header.context_length,
            "file_bytes": header.file_bytes,
            "threads": params.cpuparams.n_threads,
            "batch": params.n_batch,
            "sampling_defaults": self.model.defaults,
        }
        if header.name:
            details["name"] = header.name
        return {key: value for key, value in details.items() if value is not None}

    # -- jobs ---------------------------------------------------------------------------------

    def submit(self, job: Submit) -> None:
        kind = JOBS.get(job.kind)
        if kind is None:
            raise EngineFault("unsupported", f"llama.cpp does no {job.kind} jobs", param="kind")
        self.check_adapter(job.adapter)
        work = kind(self, job)
        assert self._wire is not None
        self._wire.call(lambda: self._begin(work))

    def set_adapters(self, adapters: Sequence[Adapter]) -> None:
        self._loras = self._loras.changed(adapters)

    def lora_body(self, adapter: str) -> dict[str, Any]:
        return self._loras.body(adapter)

    def abort(self, rid: str) -> None:
        assert self._wire is not None
        self._wire.call(lambda: self._abort(rid))

    def stats(self) -> dict[str, float]:
        return {
            "running": min(self._open, self.model_slots),
            "waiting": len(self._queue) + max(0, self._open - self.model_slots),
            "jobs": len(self._jobs),
        }

    @property
    def model_slots(self) -> int:
        return self._limit - SPARE

    def close(self) -> None:
        if self._wire is not None:
            self._wire.stop()
        # The server is not torn down: it would wait for its requests, and the process ends now.
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    # -- for the jobs, in the wire's thread ---------------------------------------------------

    def _begin(self, job: Job) -> None:
        self._jobs[job.rid] = job
        job.start()

    def _abort(self, rid: str) -> None:
        job = self._jobs.get(rid)
        if job is not None:
            job.abort()

    def send(self, exchange: Exchange) -> None:
        assert self._wire is not None
        self._wire.open(exchange)

    def drop(self, exchange: Exchange) -> None:
        assert self._wire is not None
        self._wire.drop(exchange)

    def enqueue(self, part: Part) -> None:
        self._queue.append(part)
        self._fill()

    def part_ended(self, part: Part) -> None:
        self._open -= 1
        self._fill()

    def forget(self, rid: str) -> None:
        self._jobs.pop(rid, None)

    def _fill(self) -> None:
        while self._queue and self._open < self._limit:
            part = self._queue.popleft()
            if part.state == "waiting":
                self._open += 1
                part.open()

    def _flush(self) -> None:
        if self.out:
            deltas, self.out = self.out, []
            self.emit(deltas)

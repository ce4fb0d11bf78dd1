"""llama.cpp through llama-cpp-python: one request at a time, for who chooses it.

A ``Llama`` is not made for threads: two of them in one model abort the process. So one worker
thread owns the model, and the jobs wait in line. Text is made here from ``Llama.generate``, which
yields tokens; the library's own streams decode the whole answer anew for every token, tell no
usage, and repeat themselves between requests without a seed.
"""

from __future__ import annotations

import ctypes
import inspect
import json
import logging
import os
import threading
from collections import deque
from importlib.metadata import version
from typing import Any, ClassVar, Final

from .base import Engine, EngineFault
from .gguf_header import GgufHeader
from .llama_answers import too_long
from .llama_load import checked_header, cpu_batch, default_context
from .llama_options import default_threads, fitting, unknown_option
from .llama_python_jobs import JOBS, Aborted, Job
from .llama_requests import sampling_defaults
from .protocol import Capabilities, Delta, Fault, Load, Ready, Submit

log = logging.getLogger(__name__)

ONE_THREAD_BYTES: Final = 32 << 20

ABILITIES: Final = tuple(
    "chat completion tokenize detokenize json_schema json_object continuation".split()
)
PARAMETERS: Final = tuple(
    "max_tokens temperature top_p top_k min_p frequency_penalty presence_penalty repetition_penalty"
    " seed stop logit_bias logprobs n ignore_eos echo response_format chat_template_kwargs"
    " grammar".split()
)

#: arguments of ``Llama`` that the launch decides or that are no plain values
_CLOSED: Final = frozenset(
    "self model_path n_ctx seed embedding logits_all verbose vocab_only chat_handler draft_model"
    " tokenizer kv_overrides tensor_split lora_base lora_path lora_scale spm_infill kwargs"
    " chat_format".split()
)
_ALIASES: Final = {"cache_type_k": "type_k", "cache_type_v": "type_v"}
_TYPES: Final = {
    "f32": 0,
    "f16": 1,
    "q4_0": 2,
    "q4_1": 3,
    "q5_0": 6,
    "q5_1": 7,
    "q8_0": 8,
    "iq4_nl": 20,
    "bf16": 30,
}


class LlamaCppPython(Engine):
    name = "llama-cpp-python"
    capabilities: ClassVar[dict[str, Capabilities]] = {
        "llm": Capabilities(ABILITIES, PARAMETERS),
        "embedding": Capabilities(("embedding", "tokenize", "detokenize"), ("dimensions",)),
    }

    #: for the jobs
    llama: Any
    template: Any
    header: GgufHeader
    kind: str
    context_length: int
    #: tokens of a prompt between two looks at whether it was aborted
    batch: int
    defaults: dict[str, float | int]

    def __init__(self) -> None:
        super().__init__()
        self._jobs: deque[Job] = deque()
        self._current: Job | None = None
        self._arrived = threading.Condition()
        self._stopping = False

    def version(self) -> str:
        return version("llama-cpp-python")

    # -- loading ------------------------------------------------------------------------------

    def load(self, load: Load) -> Ready:
        self.progress("reading", 0.0)
        header = checked_header(load.model_path)
        if load.kind not in self.capabilities:
            raise EngineFault(
                "unsupported", f"{self.name} serves no {load.kind} models", param="kind"
            )
        self.header, self.kind = header, load.kind
        self.defaults = sampling_defaults(header)
        self.context_length = load.context_length or default_context(header, load.kind)
        arguments = self._arguments(load)
        self.batch = cpu_batch(header, arguments["n_threads"], 1)
        name = os.path.basename(load.model_path)
        self.progress("loading", 0.1, f"loading {name}")
        from llama_cpp import Llama

        try:
            self.llama = Llama(load.model_path, **arguments)
        except (ValueError, RuntimeError, AssertionError) as error:
            raise EngineFault(
                "invalid", f"{self.name} cannot load {name}: {error}", param="model"
            ) from error
        self.template = self._chat_template()
        threading.Thread(target=self._work, name="llama", daemon=True).start()
        known = self.capabilities[load.kind]
        lacks = set() if self.template is not None else {"chat", "chat_template_kwargs"}
        return Ready(
            load.kind,
            1,  # whatever was asked for
            self.context_length,
            Capabilities(
                tuple(ability for ability in known.abilities if ability not in lacks),
                tuple(parameter for parameter in known.parameters if parameter not in lacks),
            ),
            {
                "architecture": header.architecture,
                "vocabulary_size": self.llama.n_vocab(),
                "embedding_length": self.llama.n_embd(),
                "threads": arguments["n_threads"],
                "sampling_defaults": self.defaults,
            },
        )

    def _arguments(self, load: Load) -> dict[str, Any]:
        from llama_cpp import LLAMA_POOLING_TYPE_MEAN, Llama

        small = self.header.file_bytes < ONE_THREAD_BYTES
        arguments: dict[str, Any] = {
            "n_ctx": self.context_length,
            "n_threads": 1 if small else default_threads(),
            "verbose": False,
        }
        if load.kind == "embedding":
            arguments["embedding"] = True
            arguments["n_batch"] = arguments["n_ubatch"] = self.context_length
            if not self.header.pooling_type:
                arguments["pooling_type"] = LLAMA_POOLING_TYPE_MEAN
        known = inspect.signature(Llama.__init__).parameters
        allowed = [name for name in known if name not in _CLOSED]
        for given, value in load.options.items():
            name = given.replace("-", "_")
            name = _ALIASES.get(name, name)
            if name not in allowed:
                message = unknown_option(self.name, given, name, allowed)
                raise EngineFault("invalid", message, param=given)
            try:
                arguments[name] = _argument(name, known[name].default, value)
            except (TypeError, ValueError) as error:
                message = f"{self.name} option {given!r}: {error}"
                raise EngineFault("invalid", message, param=given) from error
        arguments.setdefault("n_threads_batch", arguments["n_threads"])
        return arguments

    def _chat_template(self) -> Any:
        """The model's own template or none: another model's would be a guess."""
        source = self.header.chat_template
        if source is None or self.kind != "llm":
            return None
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        model = self.llama._model

        def text(token: int) -> str:
            return model.token_get_text(token) if token >= 0 else ""

        try:
            return Jinja2ChatFormatter(
                template=source,
                eos_token=text(model.token_eos()),
                bos_token=text(model.token_bos()),
            )
        except Exception as error:
            log.warning("the model's chat template is not usable: %s", error)
            return None

    # -- jobs ---------------------------------------------------------------------------------

    def submit(self, job: Submit) -> None:
        kind = JOBS.get(job.kind)
        if kind is None:
            raise EngineFault("unsupported", f"{self.name} does no {job.kind} jobs", param="kind")
        work = kind(self, job)
        with self._arrived:
            self._jobs.append(work)
            self._arrived.notify()

    def abort(self, rid: str) -> None:
        with self._arrived:
            current = self._current
            if current is not None and current.rid == rid:
                current.aborted = True  # its thread looks at every token
                return
            for job in self._jobs:
                if job.rid == rid:
                    self._jobs.remove(job)
                    break
            else:
                return
        self.emit([Delta(rid, finish="abort", done=True)])

    def stats(self) -> dict[str, float]:
        return {"running": float(self._current is not None), "waiting": float(len(self._jobs))}

    def close(self) -> None:
        """The model is not freed: its thread may be in the middle of it, and the process ends."""

    def _work(self) -> None:
        while True:
            with self._arrived:
                self._current = None
                while not self._jobs:
                    self._arrived.wait()
                job = self._current = self._jobs.popleft()
            try:
                last = job.run()
            except Aborted:
                last = Delta(job.rid, finish="abort", done=True)
            except EngineFault as error:
                last = Delta(job.rid, fault=error.fault)
            except Exception as error:
                log.exception("a job failed")
                self.llama.reset()
                message = f"llama-cpp-python: {type(error).__name__}: {error}"
                last = Delta(job.rid, fault=Fault("engine", message, retryable=True))
            self.emit([last])

    # -- for the jobs -------------------------------------------------------------------------

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        tokens: list[int] = self.llama.tokenize(text.encode(), add_bos=special, special=special)
        return tokens

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes behind a token; those of special tokens only if asked for."""
        import llama_cpp

        # ``LlamaModel.token_to_piece`` returns its whole buffer, not only what is in it.
        vocab, size = self.llama._model.vocab, 256
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = llama_cpp.llama_token_to_piece(vocab, token, buffer, size, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def check_length(self, tokens: int, param: str) -> None:
        if tokens >= self.context_length:
            fault = too_long(tokens, self.context_length, param)
            raise EngineFault(fault.code, fault.message, param=param, data=fault.data)


def _argument(name: str, default: Any, value: Any) -> Any:
    if name in ("type_k", "type_v"):
        if value not in _TYPES:
            raise ValueError(f"expects one of {', '.join(_TYPES)}, not {value!r}")
        return _TYPES[value]
    if default is None:  # n_threads, op_offload and the like
        default = False if name in ("op_offload", "swa_full") else 0
    if name == "numa" and not isinstance(value, bool):
        default = 0
    value = fitting(default, value)
    if name in ("n_threads", "n_threads_batch", "n_batch", "n_ubatch") and value < 1:
        raise ValueError(f"must be at least 1, not {json.dumps(value)}")
    return value

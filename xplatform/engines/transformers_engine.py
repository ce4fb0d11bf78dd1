"""The transformers engine: nearly every model on the hub, and embeddings.

    Load ─┬─ llm ──────→ Generations  (this file's other half: transformers_chat)
          └─ embedding → Embeddings   (sentence_embeddings)

This module is imported by the web tier for its capabilities: nothing heavy at the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import ClassVar, Protocol

from .base import Engine, EngineFault
from .protocol import Adapter, Capabilities, Load, Ready, Submit
from .transformers_options import Options

_SAMPLING = (
    "max_tokens", "temperature", "top_p", "top_k", "min_p", "frequency_penalty",
    "presence_penalty", "repetition_penalty", "seed", "stop", "logit_bias", "logprobs", "n",
    "ignore_eos",
)  # fmt: skip


class Server(Protocol):
    """What serves the loaded model, by its kind."""

    def submit(self, job: Submit) -> None: ...
    def abort(self, rid: str) -> None: ...
    def set_adapters(self, adapters: Sequence[Adapter]) -> None: ...
    def stats(self) -> dict[str, float]: ...
    def close(self) -> None: ...


class Transformers(Engine):
    name = "transformers"
    capabilities: ClassVar[dict[str, Capabilities]] = {
        "llm": Capabilities(
            abilities=(
                "chat", "completion", "tokenize", "detokenize", "tools", "continuation",
                "reasoning", "adapters",
            ),
            parameters=(
                *_SAMPLING, "echo", "tools", "tool_choice", "parallel_tool_calls",
                "chat_template_kwargs",
            ),
        ),
        "embedding": Capabilities(
            abilities=("embedding", "tokenize", "detokenize"), parameters=("dimensions",)
        ),
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._server: Server | None = None

    def version(self) -> str:
        return metadata.version("transformers")

    def load(self, load: Load) -> Ready:
        options = Options.parse(load.options, load.kind)
        server: Server
        if load.kind == "llm":
            from .transformers_chat import Generations

            server, ready = Generations.load(self, load, options)
        elif load.kind == "embedding":
            from .sentence_embeddings import Embeddings

            server, ready = Embeddings.load(self, load, options)
        else:
            raise EngineFault(
                "unsupported", f"{self.name} serves llm and embedding models, not {load.kind}"
            )
        self._server = server
        return ready

    def submit(self, job: Submit) -> None:
        assert self._server is not None
        self.check_adapter(job.adapter)
        self._server.submit(job)

    def set_adapters(self, adapters: Sequence[Adapter]) -> None:
        assert self._server is not None
        self._server.set_adapters(adapters)

    def abort(self, rid: str) -> None:
        assert self._server is not None
        self._server.abort(rid)

    def stats(self) -> dict[str, float]:
        return {} if self._server is None else self._server.stats()

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

"""Embeddings through sentence-transformers, many requests in one forward pass.

One thread owns the model. It takes all texts that wait, the short ones together, and runs the
modules itself: ``encode`` does the same but spends a millisecond a call on checks, which is as
much as a small model needs for the work. Results equal those of ``encode``.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .base import Engine, EngineFault
from .protocol import Adapter, Delta, Fault, Load, Ready, Submit, Usage
from .token_text import TokenText
from .transformers_model import (
    check_folder,
    clear_faults,
    pick_device,
    pick_dtype,
    prepare_process,
    set_threads,
    weights_progress,
)
from .transformers_options import Options

log = logging.getLogger(__name__)

#: tokens, padding included, that one forward pass may hold
MAX_BATCH_TOKENS = 16_384


@dataclass(slots=True, eq=False)
class _Job:
    rid: str
    dimensions: int | None
    rows: list[Any]
    missing: int
    tokens: int = 0
    over: bool = False
    #: items that no batch has taken yet
    waiting: deque[_Item] = field(default_factory=deque)


@dataclass(slots=True, eq=False)
class _Item:
    job: _Job
    place: int
    value: str | list[int]
    #: bytes of a text or tokens of a list: no text has more tokens than bytes
    size: int


class Embeddings:
    @classmethod
    def load(cls, engine: Engine, load: Load, options: Options) -> tuple[Embeddings, Ready]:
        folder = check_folder(load.model_path, "modules.json", "config.json")
        engine.progress("libraries", 0.02, "importing torch and sentence-transformers")
        prepare_process()
        with clear_faults(folder):
            from sentence_transformers import SentenceTransformer

            device = pick_device(options)
            arguments: dict[str, Any] = {"dtype": _dtype(options, device)}
            if options.attn_implementation is not None:
                arguments["attn_implementation"] = options.attn_implementation
            engine.progress("weights", 0.15, "reading the weights")
            with weights_progress(engine.progress, 0.15, 0.90):
                model = SentenceTransformer(
                    str(folder), device=device, model_kwargs=arguments, local_files_only=True,
                    trust_remote_code=options.trust_remote_code,
                ).eval()  # fmt: skip
        parameters = sum(p.numel() for p in model.parameters())
        threads = set_threads(options, parameters)
        self = cls(engine, model, load.context_length, options)
        engine.progress("warm-up", 0.95, "embedding a first text")
        with clear_faults(folder):
            width = int(self._forward(["warm-up"])[0].shape[-1])
        self._width = width
        self._thread.start()
        return self, Ready(
            kind="embedding",
            slots=load.slots,
            context_length=self._limit,
            capabilities=engine.capabilities["embedding"],
            details={
                "architecture": type(getattr(model[0], "auto_model", model[0])).__name__,
                "parameters": parameters,
                "dtype": str(model.dtype).removeprefix("torch."),
                "device": device,
                "threads": threads,
                "dimensions": width,
            },
        )

    def __init__(self, engine: Engine, model: Any, context: int | None, options: Options) -> None:
        self._engine = engine
        self._model = model
        self._prompt = model.prompts.get(model.default_prompt_name) or None
        self._tokens = TokenText(model.tokenizer)
        self._surround = _surround(self._tokens)
        own = model.get_max_seq_length() or 512
        if context is not None and context > own:
            raise EngineFault(
                "invalid",
                f"context_length {context} is more than the {own} tokens the model was made for",
                param="context_length",
            )
        self._limit = int(context or own)
        model.max_seq_length = self._limit
        self._truncate = options.truncate
        self._max_texts = options.max_batch_texts
        self._width = 0
        self._embedded = 0
        #: not yet over, oldest first
        self._jobs: dict[str, _Job] = {}
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="embeddings", daemon=True)

    # -- in the engine's thread ---------------------------------------------------------------

    def submit(self, job: Submit) -> None:
        match job.kind:
            case "embedding":
                self._embed(job)
            case "tokenize":
                special = bool(job.payload.get("add_special_tokens", False))
                tokens = self._tokens.encode(job.payload["text"], special=special)
                texts = [self._tokens.token_text(token) for token in tokens]
                self._answer(job, {"tokens": tokens, "texts": texts})
            case "detokenize":
                text = self._tokens.decode(list(job.payload["tokens"]), special=True)
                self._answer(job, {"text": text})
            case _:
                raise EngineFault("unsupported", f"an embedding model cannot do {job.kind}")

    def set_adapters(self, adapters: Sequence[Adapter]) -> None:
        if adapters:
            raise EngineFault("invalid", "embedding models take no adapters", param="adapters")

    def abort(self, rid: str) -> None:
        with self._wake:
            job = self._jobs.pop(rid, None)
            if job is None:
                return
            job.over = True
        self._engine.emit([Delta(rid, finish="abort", done=True, usage=Usage(job.tokens, 0))])

    def stats(self) -> dict[str, float]:
        with self._wake:
            return {
                "running": len(self._jobs),
                "waiting": sum(len(job.waiting) for job in self._jobs.values()),
                "embedded_texts": self._embedded,
            }

    def close(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _answer(self, job: Submit, result: dict[str, Any]) -> None:
        self._engine.emit([Delta(job.rid, result=result, done=True, usage=Usage(0, 0))])

    def _embed(self, job: Submit) -> None:
        for name, value in job.payload.items():
            if name not in ("inputs", "dimensions") and value not in (None, False):
                raise EngineFault("unsupported", f"transformers does not know {name}", param=name)
        dimensions = job.payload.get("dimensions")
        if dimensions is not None and not 1 <= dimensions <= self._width:
            raise EngineFault(
                "invalid",
                f"dimensions must be from 1 to {self._width}, which is all this model has",
                param="dimensions",
            )
        inputs = list(job.payload["inputs"])
        if not inputs:
            raise EngineFault("invalid", "there is nothing to embed", param="input")
        work = _Job(job.rid, dimensions, [None] * len(inputs), len(inputs))
        work.waiting.extend(self._item(work, place, value) for place, value in enumerate(inputs))
        with self._wake:
            self._jobs[job.rid] = work
            self._wake.notify()

    def _item(self, job: _Job, place: int, value: Any) -> _Item:
        if isinstance(value, str):
            return _Item(job, place, value, len(value.encode("utf-8", "surrogatepass")))
        if self._surround is None:
            raise EngineFault(
                "unsupported", "this model's tokenizer takes text, not tokens", param="input"
            )
        size = len(self._tokens.tokenizer)
        if not value or not all(isinstance(t, int) and 0 <= t < size for t in value):
            raise EngineFault(
                "invalid", f"input {place} is no list of this model's tokens", param="input"
            )
        before, after = self._surround
        return _Item(job, place, [*before, *value, *after], len(value))

    # -- in the model's thread ----------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (items := self._take()) and not self._closing:
                    self._wake.wait()
                if self._closing:
                    return
            for batch in self._batches(items):
                self._engine.emit(self._serve(batch))

    def _take(self) -> list[_Item]:
        """What is worked on next, shortest first, so that like lengths come together.

        Of each job a batch at most: a job of a thousand texts does not keep others waiting.
        """
        items: list[_Item] = []
        for job in self._jobs.values():
            if len(items) >= 4 * self._max_texts:
                break
            for _ in range(min(len(job.waiting), self._max_texts)):
                items.append(job.waiting.popleft())
        return sorted(items, key=lambda item: item.size)

    def _batches(self, items: list[_Item]) -> list[list[_Item]]:
        batches: list[list[_Item]] = []
        for item in items:
            longest = min(item.size, self._limit)  # they come sorted, so it is the longest
            last = batches[-1] if batches else None
            if (
                last is None
                or len(last) >= self._max_texts
                or (len(last) + 1) * longest > MAX_BATCH_TOKENS
                or isinstance(last[0].value, str) != isinstance(item.value, str)
            ):
                batches.append([item])
            else:
                last.append(item)
        return batches

    def _serve(self, batch: list[_Item]) -> list[Delta]:
        deltas: list[Delta] = []
        fitting = []
        for item in batch:
            if item.job.over:
                continue
            count = self._count_if_long(item)
            if count > self._limit and not self._truncate:
                data = {"tokens": count, "limit": self._limit}
                message = f"input {item.place} has {count} tokens, the model takes {self._limit}"
                self._fail(item.job, Fault("too_long", message, "input", data), deltas)
            else:
                fitting.append(item)
        fitting = [item for item in fitting if not item.job.over]
        if not fitting:
            return deltas
        try:
            vectors, counts = self._forward([item.value for item in fitting])
            rows = vectors.float().cpu().numpy()
        except Exception as error:
            log.exception("embedding failed")
            fault = Fault("engine", f"{type(error).__name__}: {error}", retryable=True)
            for item in fitting:
                self._fail(item.job, fault, deltas)
            return deltas
        for item, row, count in zip(fitting, rows, counts, strict=True):
            item.job.rows[item.place] = row
            item.job.tokens += count
            item.job.missing -= 1
            if item.job.missing == 0:
                self._finish(item.job, deltas)
        self._embedded += len(fitting)
        return deltas

    def _count_if_long(self, item: _Item) -> int:
        """Tokens of an item that may be too long, else 0: counting costs what embedding costs."""
        if not isinstance(item.value, str):
            return len(item.value)
        if item.size + len(self._prompt or "") + 8 <= self._limit:
            return 0
        return len(self._tokens.encode((self._prompt or "") + item.value, special=True))

    def _forward(self, values: list[Any]) -> tuple[Any, list[int]]:
        """(vectors, tokens of each), by the steps of ``SentenceTransformer.encode``."""
        import torch

        with torch.inference_mode():
            if isinstance(values[0], str):
                features = self._model.preprocess(values, prompt=self._prompt)
            else:
                values = [value[: self._limit] for value in values]
                features = self._model.tokenizer.pad({"input_ids": values}, return_tensors="pt")
                features = {**features, "modality": "text"}
            mask = features.get("attention_mask")
            if mask is not None and mask.dim() == 2 and mask.shape[0] == len(values):
                counts = mask.sum(dim=1).tolist()
            else:
                counts = [len(self._tokens.encode(value, special=True)) for value in values]
            features = {
                name: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
                for name, value in features.items()
            }
            return self._model(features)["sentence_embedding"], counts

    def _finish(self, job: _Job, deltas: list[Delta]) -> None:
        import numpy

        with self._wake:
            if job.over:
                return
            job.over = True
            self._jobs.pop(job.rid, None)
        vectors = numpy.stack(job.rows)
        if job.dimensions is not None:
            vectors = vectors[:, : job.dimensions]
            lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors / numpy.maximum(lengths, 1e-12)
        result = {
            "vectors": vectors.astype("<f4", copy=False).tobytes(),
            "dimensions": int(vectors.shape[1]),
        }
        deltas.append(Delta(job.rid, result=result, done=True, usage=Usage(job.tokens, 0)))

    def _fail(self, job: _Job, fault: Fault, deltas: list[Delta]) -> None:
        with self._wake:
            if job.over:
                return
            job.over = True
            self._jobs.pop(job.rid, None)
        deltas.append(Delta(job.rid, fault=fault))


def _dtype(options: Options, device: str) -> Any:
    # What the folder's parts were saved in is known to the library only.
    automatic = options.dtype == "auto" and device != "cpu"
    return "auto" if automatic else pick_dtype(options, device, None)


def _surround(tokens: TokenText) -> tuple[list[int], list[int]] | None:
    """What the tokenizer puts before and behind a text, to do the same to a list of tokens."""
    plain, whole = tokens.encode("a", special=False), tokens.encode("a", special=True)
    for start in range(len(whole) - len(plain) + 1):
        if plain and whole[start : start + len(plain)] == plain:
            return whole[:start], whole[start + len(plain) :]
    return None

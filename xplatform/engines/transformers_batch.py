"""Continuous batching through transformers: sequences join and leave a running batch.

What the library's manager does not do by itself, and how it is had here:

- It must be told the size of its cache. Left alone it takes most of the memory and sizes its
  tensors after that: 256 tokens then took 22 s instead of 0.2.
- Parameters per request: ``Choices`` stands in the place of its logits processors and chooses the
  tokens itself (see ``token_choice``). That needs the rows of a step before its forward pass, so
  asynchronous batching and CUDA graphs are off.
- Results come through an asyncio loop; ``Router`` takes them where they arise, all of one step
  at once, so a stop string ends its sequence before the next step.
- A cancelled request gets no last event: the caller must end it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .base import EngineFault
from .token_choice import Sequence, choose
from .transformers_lora import Lora, Loras

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Advance:
    """What a step added to a sequence. ``ended``: no more will come."""

    sequence: Sequence
    tokens: list[int]
    ended: bool = False
    error: str | None = None


OnStep = Callable[[list[Advance]], None]


@dataclass(frozen=True, slots=True)
class CacheSize:
    num_blocks: int
    page_size: int
    max_batch_tokens: int


class ContinuousBatch:
    """Runs sequences in the manager's thread, which calls ``on_step`` after every step."""

    name = "continuous"

    def __init__(
        self,
        model: Any,
        loras: Loras,
        size: CacheSize,
        slots: int,
        on_step: OnStep,
        on_death: Callable[[str], None],
    ) -> None:
        from transformers import GenerationConfig
        from transformers.generation.configuration_utils import ContinuousBatchingConfig

        self._sequences: dict[str, Sequence] = {}
        self._on_step = on_step
        self._on_death = on_death
        config = ContinuousBatchingConfig(
            num_blocks=size.num_blocks,
            page_size=size.page_size,
            max_batch_tokens=size.max_batch_tokens,
            max_requests_per_batch=slots,
            # A slot's worth of cache is there for every slot, so nothing need be held back.
            safety_margin=0.0,
            use_async_batching=False,
            use_cuda_graph=False,
            # It would ask the hub for kernels; who wants flash attention says so by option.
            auto_switch_to_flash=False,
        )
        self._manager = model.init_continuous_batching(
            generation_config=GenerationConfig(do_sample=False, eos_token_id=-1),
            continuous_batching_config=config,
        )
        self._manager.logit_processor = _choices(self._sequences, loras)
        _share_no_adapted_blocks(self._sequences)
        self._manager.output_router = Router(self)
        # Named by us and a daemon: the library's own start() makes a thread that would keep a
        # process alive whose replica worker is gone.
        self._manager.background_thread_status.clear()
        thread = threading.Thread(target=self._run, name="batch", daemon=True)
        self._manager._generation_thread = thread
        thread.start()

    def add(self, sequence: Sequence) -> None:
        self._sequences[sequence.key] = sequence
        added = self._manager.add_request(
            sequence.prompt,
            request_id=sequence.key,
            max_new_tokens=sequence.max_new_tokens,
            streaming=True,
            eos_token_id=sorted(sequence.end_tokens) or -1,
        )
        if added is None:
            self._sequences.pop(sequence.key, None)
            raise EngineFault("engine", "the batch has ended after an error", retryable=True)

    def cancel(self, sequence: Sequence) -> None:
        """Free its slot at the next step. No more is heard of it."""
        sequence.cancelled = True
        if self._sequences.pop(sequence.key, None) is not None:
            self._manager.cancel_request(sequence.key)

    def stop(self) -> None:
        self._manager.stop(block=True, timeout=5, hard_stop=True)

    def free_fraction(self) -> float:
        processor = self._manager.batch_processor
        return 1.0 if processor is None else float(processor.cache.compute_free_capacity())

    def waiting(self) -> int:
        processor = self._manager.batch_processor
        queued = int(self._manager.input_queue.qsize())
        return queued if processor is None else queued + len(processor.scheduler.waiting_requests)

    def _run(self) -> None:
        self._manager._run_generation_loop()
        error = self._manager.background_thread_status.fatal_error
        if error is not None:
            left = [Advance(s, [], True, str(error)) for s in list(self._sequences.values())]
            self._sequences.clear()
            self._on_step(left)
            self._on_death(f"{type(error).__name__}: {error}")

    def _deliver(self, outputs: list[Any]) -> None:
        """In the manager's thread: an exception here would end the whole batch."""
        advances = []
        for output in outputs:
            sequence = self._sequences.get(output.request_id)
            if sequence is None:
                continue
            tokens = output.generated_tokens[sequence.taken :]  # they come cumulated
            sequence.taken += len(tokens)
            ended = output.is_finished()
            if ended:
                self._sequences.pop(output.request_id, None)
            advances.append(Advance(sequence, tokens, ended, output.error))
        try:
            self._on_step(advances)
        except Exception:
            log.exception("handing over a step failed")


class Router:
    """In the place of the manager's ``OutputRouter``."""

    def __init__(self, batch: ContinuousBatch) -> None:
        self._batch = batch

    def deliver(self, output: Any) -> None:
        self._batch._deliver([output])

    def deliver_batch(self, outputs: list[Any]) -> None:
        self._batch._deliver(outputs)

    def fail_and_deliver(self, state: Any, error: Exception) -> None:
        from transformers.generation.continuous_batching.requests import RequestStatus

        state.status = RequestStatus.FAILED
        state.error = str(error)
        self.deliver(state.to_generation_output())


def _share_no_adapted_blocks(sequences: dict[str, Sequence]) -> None:
    """Requests with the same beginning share its cache; with an adapter that is another cache."""
    from transformers.generation.continuous_batching.cache import PagedAttentionCache as Cache

    search, mark = Cache.search_prefix_match, Cache.mark_complete_blocks

    def is_adapted(request_id: str) -> bool:
        sequence = sequences.get(request_id)
        return sequence is None or sequence.lora is not None

    def search_unless_adapted(cache: Any, request_id: str, prompt: list[int]) -> int:
        return 0 if is_adapted(request_id) else search(cache, request_id, prompt)

    def mark_unless_adapted(cache: Any, state: Any, blocks: Any) -> None:
        if not is_adapted(state.request_id):
            mark(cache, state, blocks)

    Cache.search_prefix_match, Cache.mark_complete_blocks = (
        search_unless_adapted, mark_unless_adapted,
    )  # fmt: skip


def _choices(sequences: dict[str, Sequence], loras: Loras) -> Any:
    from transformers.generation.continuous_batching.cb_logits_processors import (
        ContinuousBatchingLogitsProcessorList,
    )
    from transformers.generation.logits_process import LogitsProcessorList

    class Choices(ContinuousBatchingLogitsProcessorList):  # type: ignore[misc]
        """Told which requests a step holds, then given their scores."""

        def __init__(self) -> None:
            super().__init__(LogitsProcessorList())
            self.do_processing = True
            self._rows: list[Sequence | None] = []

        def prepare_tensor_args(self, requests_in_batch: list[Any], arg_storage: Any) -> Any:
            self._rows = []
            step: list[tuple[Lora | None, int]] = []
            for request in requests_in_batch:
                sequence = sequences.get(request.state.request_id)
                step.append((sequence.lora if sequence else None, request.query_length))
                if sequence is not None and sequence.taken == 0:
                    sequence.computed += request.query_length
                if request.has_new_token:
                    self._rows.append(sequence)
            loras.arrange(step)
            return arg_storage

        def __call__(self, input_ids: Any, scores: Any, logits_processor_args: Any) -> Any:
            return choose(self._rows, scores)

    return Choices()

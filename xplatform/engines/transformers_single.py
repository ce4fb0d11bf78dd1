"""One sequence at a time through ``generate``: for models that continuous batching cannot run.

State-space and hybrid models, and attention of unusual kinds, have no paged cache. Sequences wait
in a line; the choice of tokens is the same as in ``transformers_batch``.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from .token_choice import Sequence, choose
from .transformers_batch import Advance, OnStep
from .transformers_lora import Loras

log = logging.getLogger(__name__)


class SingleFile:
    name = "single"

    def __init__(
        self, model: Any, loras: Loras, on_step: OnStep, on_death: Callable[[str], None]
    ) -> None:
        self._model = model
        self._loras = loras
        self._on_step = on_step
        self._on_death = on_death
        self._line: queue.SimpleQueue[Sequence | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="single", daemon=True)
        self._thread.start()

    def add(self, sequence: Sequence) -> None:
        self._line.put(sequence)

    def cancel(self, sequence: Sequence) -> None:
        sequence.cancelled = True

    def stop(self) -> None:
        self._line.put(None)
        self._thread.join(timeout=5)

    def free_fraction(self) -> float:
        return 1.0

    def waiting(self) -> int:
        return self._line.qsize()

    def _run(self) -> None:
        while (sequence := self._line.get()) is not None:
            if sequence.cancelled:
                continue
            try:
                self._generate(sequence)
                last = Advance(sequence, [], True)
            except Exception as error:
                log.exception("generating failed")
                last = Advance(sequence, [], True, f"{type(error).__name__}: {error}")
            if not sequence.cancelled:
                self._on_step([last])

    def _generate(self, sequence: Sequence) -> None:
        import torch
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        ended = False
        sequence.computed = len(sequence.prompt)

        def process(input_ids: Any, scores: Any) -> Any:
            return choose([sequence], scores.float())

        def finished(input_ids: Any, scores: Any, **_: Any) -> Any:
            nonlocal ended
            token = int(input_ids[0, -1])
            sequence.taken += 1
            if not sequence.cancelled:
                # Not the last word: that is sent when generate has returned.
                self._on_step([Advance(sequence, [token])])
            ended = sequence.cancelled or token in sequence.end_tokens
            return torch.full((1,), ended, dtype=torch.bool, device=input_ids.device)

        self._loras.arrange_all(sequence.lora)
        ids = torch.tensor([sequence.prompt], device=self._model.device)
        with torch.inference_mode():
            self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                generation_config=GenerationConfig(
                    do_sample=False, max_new_tokens=sequence.max_new_tokens, pad_token_id=0
                ),
                logits_processor=LogitsProcessorList([process]),
                stopping_criteria=StoppingCriteriaList([finished]),
            )

"""Choosing the next token of many sequences at once, each with its own wishes.

Both ways to run a model in the transformers engine (``transformers_batch`` and
``transformers_single``) hand the raw scores of a step to ``choose``. The library's own processors
cannot serve requests that differ: its continuous batching knows temperature, top_k and top_p per
request, but one seed for all, and neither penalties, nor min_p, nor biases, nor more than one
logprob. Choosing here, row by row, gives all of them in both ways, and with the same meaning.

The order is that of ``generate``: bias, penalties, temperature, top_k, top_p, min_p.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence as Row
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .protocol import Sampling

if TYPE_CHECKING:
    from .transformers_lora import Lora


@dataclass(frozen=True, slots=True)
class Wishes:
    """``Sampling`` with every default filled in."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    logprobs: int | None = None

    @property
    def greedy(self) -> bool:
        return self.temperature < 1e-5  # scores divided by less would overflow

    @property
    def changes_scores(self) -> bool:
        return bool(
            self.logit_bias
            or self.frequency_penalty
            or self.presence_penalty
            or self.repetition_penalty != 1.0
        )

    @classmethod
    def of(cls, sampling: Sampling, defaults: dict[str, float]) -> Wishes:
        """``defaults`` are the model's own, from its generation config."""

        def pick(name: str, fallback: float) -> float:
            value = getattr(sampling, name)
            return float(defaults.get(name, fallback) if value is None else value)

        return cls(
            temperature=pick("temperature", 1.0),
            top_p=pick("top_p", 1.0),
            top_k=max(0, int(pick("top_k", 0))),  # -1 is a common way to say "off"
            min_p=pick("min_p", 0.0),
            frequency_penalty=pick("frequency_penalty", 0.0),
            presence_penalty=pick("presence_penalty", 0.0),
            repetition_penalty=pick("repetition_penalty", 1.0),
            logit_bias=tuple((sampling.logit_bias or {}).items()),
            logprobs=sampling.logprobs,
        )


@dataclass(slots=True)
class TokenScore:
    """The logprob of a chosen token, before bias, penalties and temperature, and the best ones."""

    token: int
    logprob: float
    top: list[tuple[int, float]]


class Sequence:
    """One answer being generated, as the thread that runs the model sees it."""

    def __init__(
        self,
        key: str,
        prompt: list[int],
        max_new_tokens: int,
        end_tokens: frozenset[int],
        wishes: Wishes,
        seed: int | None = None,
        already: Row[int] = (),
        lora: Lora | None = None,
    ) -> None:
        """``already`` are tokens of the answer from an earlier run; they follow the prompt."""
        self.key = key
        self.prompt = [*prompt, *already]
        self.max_new_tokens = max_new_tokens
        self.end_tokens = end_tokens
        self.wishes = wishes
        self.lora = lora
        #: how often each token of the answer came so far
        self.counts: Counter[int] = Counter(already)
        self.prompt_set = set(prompt) if wishes.repetition_penalty != 1.0 else set()
        # A generator of our own: one number per token, so that a continuation can skip those of
        # the tokens it already has, whatever else runs in the batch or on which device.
        self._random = random.Random(seed)
        for _ in already:
            self._random.random()
        #: one entry a token, filled only when logprobs were asked for
        self.scores: list[TokenScore] = []
        #: tokens handed to the request so far, and prompt tokens that were really computed
        self.taken = 0
        self.computed = 0
        self.cancelled = False

    def draw(self) -> float:
        # Below one by more than a float32 can lose, or the search could fall off the end.
        return min(self._random.random(), 1.0 - 1e-6)

    @property
    def tracks(self) -> bool:
        """Whether ``choose`` must be told which token was picked."""
        return self.wishes.changes_scores or self.wishes.logprobs is not None


def choose(rows: Row[Sequence | None], scores: Any) -> Any:
    """Return ``scores`` so changed that the highest of each row is the chosen token.

    ``scores`` (rows by vocabulary, float32) may be changed in place. ``None`` is a row of no
    interest. The caller takes the argmax, so a greedy step costs nothing here.
    """
    import torch

    wanted = [
        (number, row, torch.log_softmax(scores[number], dim=-1))
        for number, row in enumerate(rows)
        if row is not None and row.wishes.logprobs is not None
    ]
    for number, row in enumerate(rows):
        if row is not None and row.wishes.changes_scores:
            _change_scores(scores[number], row)
    drawn = [number for number, row in enumerate(rows) if row is not None and not row.wishes.greedy]
    if drawn:
        chosen = _draw(scores[drawn], [rows[number] for number in drawn])
        scores[drawn, chosen] = float("inf")
    if any(row is not None and row.tracks for row in rows):
        picked = scores.argmax(dim=-1).tolist()
        for number, row, logprobs in wanted:
            row.scores.append(_score(picked[number], logprobs, row.wishes.logprobs or 0))
        for number, row in enumerate(rows):
            if row is not None:
                row.counts[picked[number]] += 1
    return scores


def _change_scores(scores: Any, row: Sequence) -> None:
    import torch

    wishes, device = row.wishes, scores.device
    if wishes.logit_bias:
        ids = torch.tensor([token for token, _ in wishes.logit_bias], device=device)
        scores[ids] += torch.tensor([bias for _, bias in wishes.logit_bias], device=device)
    if wishes.repetition_penalty != 1.0:
        ids = torch.tensor(sorted(row.prompt_set | row.counts.keys()), device=device)
        seen = scores[ids]
        scores[ids] = torch.where(
            seen < 0, seen * wishes.repetition_penalty, seen / wishes.repetition_penalty
        )
    if row.counts and (wishes.frequency_penalty or wishes.presence_penalty):
        ids = torch.tensor(list(row.counts), device=device)
        times = torch.tensor(list(row.counts.values()), device=device, dtype=scores.dtype)
        scores[ids] -= times * wishes.frequency_penalty + wishes.presence_penalty


def _draw(scores: Any, rows: list[Any]) -> Any:
    """One token for each row of ``scores``, by the inverse of the cumulated probabilities."""
    import torch

    device = scores.device

    def column(values: list[float]) -> Any:
        return torch.tensor(values, device=device, dtype=torch.float32).unsqueeze(1)

    scores = scores / column([row.wishes.temperature for row in rows])
    top_k = [row.wishes.top_k for row in rows]
    top_p = [row.wishes.top_p for row in rows]
    min_p = [row.wishes.min_p for row in rows]
    order = None
    if any(top_k) or any(p < 1.0 for p in top_p):
        # Where every row has a top_k, the rest of the vocabulary need not be sorted.
        width = max(top_k) if all(top_k) else scores.shape[-1]
        scores, order = scores.topk(min(width, scores.shape[-1]), dim=-1)
        if any(top_k):
            limits = column([k or scores.shape[-1] for k in top_k])
            places = torch.arange(scores.shape[-1], device=device).unsqueeze(0)
            scores = scores.masked_fill(places >= limits, float("-inf"))
    weights = scores.softmax(dim=-1)
    if any(p < 1.0 for p in top_p):
        # Drop what lies wholly beyond top_p; the first is always kept.
        before = weights.cumsum(dim=-1) - weights
        before[:, 0] = -1.0
        weights = weights.masked_fill(before >= column(top_p), 0.0)
    if any(min_p):
        best = weights.max(dim=-1, keepdim=True).values
        weights = weights.masked_fill(weights < best * column(min_p), 0.0)
    sums = weights.cumsum(dim=-1)
    points = column([row.draw() for row in rows]) * sums[:, -1:]
    # right=True: never a token of no weight, whose sum equals the one before it.
    places = torch.searchsorted(sums, points, right=True).clamp_(max=sums.shape[-1] - 1)
    if order is not None:
        places = order.gather(1, places)
    return places.squeeze(1)


def _score(token: int, logprobs: Any, count: int) -> TokenScore:
    top: list[tuple[int, float]] = []
    if count:
        values, ids = logprobs.topk(min(count, logprobs.shape[-1]))
        top = list(zip(ids.tolist(), values.tolist(), strict=True))
    return TokenScore(token, float(logprobs[token]), top)

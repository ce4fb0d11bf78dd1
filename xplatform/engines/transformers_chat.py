"""Chat and completion with a loaded model: checks a submit, starts its answers, hands out steps."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence as Row
from typing import Any

from .base import Engine, EngineFault
from .chat_prompt import ChatPrompt, render
from .chat_text import AnswerText, Reasoning, ToolCalls
from .protocol import Adapter, Delta, Fault, Load, Ready, Sampling, Submit, Usage
from .token_choice import Sequence, Wishes
from .token_text import TokenText
from .transformers_batch import Advance, ContinuousBatch
from .transformers_lora import Loras
from .transformers_model import (
    cache_size,
    capabilities,
    chat_template,
    check_folder,
    context_length,
    end_tokens,
    load_causal,
    own_defaults,
    set_threads,
)
from .transformers_options import Options
from .transformers_requests import Answer, Generation, check_sampling, checked_ids
from .transformers_single import SingleFile

log = logging.getLogger(__name__)

_PAYLOAD = {
    "chat": {
        "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format",
        "template_kwargs",
    },
    "completion": {"prompt", "echo"},
    "tokenize": {"text", "messages", "tools", "template_kwargs", "add_special_tokens"},
    "detokenize": {"tokens"},
}  # fmt: skip


class Generations:
    def __init__(
        self,
        engine: Engine,
        model: Any,
        tokenizer: Any,
        context: int,
        defaults: dict[str, float],
        end_tokens: frozenset[int],
    ) -> None:
        self._engine = engine
        self._tokens = TokenText(tokenizer)
        self._context = context
        self._defaults = defaults
        self._end_tokens = end_tokens
        self._loras = Loras(model)
        self._vocabulary = int(model.config.get_text_config().vocab_size)
        self._runner: ContinuousBatch | SingleFile | None = None
        #: guards what follows and every call of a Generation
        self._lock = threading.Lock()
        self._generations: dict[str, Generation] = {}
        self._answers: dict[str, tuple[Generation, Answer]] = {}
        self._token_count = 0
        self._proof = threading.Event()
        self._proof_error: str | None = None

    # -- loading ------------------------------------------------------------------------------

    @classmethod
    def load(cls, engine: Engine, load: Load, options: Options) -> tuple[Generations, Ready]:
        folder = check_folder(load.model_path, "config.json")
        model, tokenizer, device = load_causal(folder, options, engine.progress)
        parameters = sum(p.numel() for p in model.parameters())
        threads = set_threads(options, parameters)
        context = context_length(model, tokenizer, load.context_length)
        ends = end_tokens(model, tokenizer)
        # Whatever the model's makers recommend is applied by us; the library must not do it again.
        from transformers import GenerationConfig

        model.generation_config = GenerationConfig()
        self = cls(engine, model, tokenizer, context, own_defaults(folder), ends)
        engine.progress("warm-up", 0.92, "preparing the cache and running a first step")
        self._loras.set(load.adapters)
        self._start_runner(model, device, load, options)
        assert self._runner is not None
        template = chat_template(tokenizer)
        return self, Ready(
            kind="llm",
            slots=load.slots if isinstance(self._runner, ContinuousBatch) else 1,
            context_length=self._context,
            capabilities=capabilities(engine.capabilities["llm"], template),
            details={
                "architecture": type(model).__name__,
                "parameters": parameters,
                "dtype": str(model.dtype).removeprefix("torch."),
                "device": device,
                "threads": threads,
                "batching": self._runner.name,
                "attention": str(model.config._attn_implementation),
                "vocabulary": self._vocabulary,
            },
        )

    def _start_runner(self, model: Any, device: str, load: Load, options: Options) -> None:
        """Continuous batching if the model can, proven by a first token."""
        if options.batching != "single":
            try:
                size, context = cache_size(
                    model, device, load.slots, self._context, load.context_length, options
                )
                attention = model.config._attn_implementation
                runner = ContinuousBatch(
                    model, self._loras, size, load.slots, self._on_step, self._on_death
                )
                if self._proves(runner):
                    self._runner, self._context = runner, context
                    return
                runner.stop()
                model.set_attn_implementation(attention)
            except EngineFault:
                raise
            except Exception as error:
                log.warning("continuous batching cannot be had: %s", error)
                if options.batching == "continuous":
                    raise EngineFault(
                        "unsupported",
                        f"this model cannot be batched continuously: {error}",
                        param="batching",
                    ) from error
            if options.batching == "continuous":
                raise EngineFault(
                    "unsupported", "this model cannot be batched continuously", param="batching"
                )
        single = SingleFile(model, self._loras, self._on_step, self._on_death)
        if not self._proves(single):
            raise EngineFault("engine", f"the model cannot generate: {self._proof_error}")
        self._runner = single

    def _proves(self, runner: ContinuousBatch | SingleFile) -> bool:
        """Whether a first token comes. It also pays for what is set up at first use."""
        self._proof.clear()
        self._proof_error = "no token came within two minutes"
        token = min(self._end_tokens, default=0)
        runner.add(Sequence("", [token] * 4, 2, frozenset(), Wishes()))
        self._proof.wait(timeout=120)
        if self._proof_error is not None:
            log.warning("a first token did not come (%s): %s", runner.name, self._proof_error)
        return self._proof_error is None

    # -- requests -----------------------------------------------------------------------------

    def submit(self, job: Submit) -> None:
        known = _PAYLOAD.get(job.kind)
        if known is None:
            raise EngineFault("unsupported", f"this model cannot do {job.kind}")
        for name, value in job.payload.items():
            if name not in known and value:
                raise EngineFault("unsupported", f"transformers does not know {name}", param=name)
        match job.kind:
            case "tokenize":
                self._answer(job, self._tokenize(job.payload))
            case "detokenize":
                tokens = checked_ids(job.payload["tokens"], "tokens", self._vocabulary)
                self._answer(job, {"text": self._tokens.decode(tokens, special=True)})
            case _:
                self._generate(job)

    def set_adapters(self, adapters: Row[Adapter]) -> None:
        self._loras.set(adapters)

    def abort(self, rid: str) -> None:
        with self._lock:
            generation = self._generations.get(rid)
            if generation is None or generation.over:
                return
            delta = generation.aborted()
            self._forget(generation)
        self._engine.emit([delta])

    def stats(self) -> dict[str, float]:
        runner = self._runner
        assert runner is not None
        with self._lock:
            running, tokens = len(self._generations), self._token_count
        return {
            "running": running,
            "waiting": runner.waiting(),
            "cache_free": runner.free_fraction(),
            "generated_tokens": tokens,
        }

    def close(self) -> None:
        if self._runner is not None:
            self._runner.stop()

    def _answer(self, job: Submit, result: dict[str, Any]) -> None:
        self._engine.emit([Delta(job.rid, result=result, done=True, usage=Usage(0, 0))])

    def _tokenize(self, payload: dict[str, Any]) -> dict[str, Any]:
        if payload.get("messages") is not None:
            prompt = render(self._tokens.tokenizer, payload, "transformers")
            tokens = self._tokens.encode(prompt.text, special=False)
        else:
            special = bool(payload.get("add_special_tokens", False))
            tokens = self._tokens.encode(payload["text"], special=special)
        return {"tokens": tokens, "texts": [self._tokens.token_text(token) for token in tokens]}

    def _generate(self, job: Submit) -> None:
        assert self._runner is not None
        sampling = job.sampling
        check_sampling(sampling, self._vocabulary)
        chat: ChatPrompt | None = None
        if job.kind == "chat":
            chat = render(self._tokens.tokenizer, job.payload, "transformers")
            prompt, echo = self._tokens.encode(chat.text, special=False), ""
        else:
            prompt, echo = self._completion_prompt(job)
        if len(prompt) >= self._context:
            raise EngineFault(
                "too_long",
                f"the prompt has {len(prompt)} tokens, the context is {self._context}",
                data={"tokens": len(prompt), "limit": self._context},
            )
        already = checked_ids(job.prefix_tokens, "prefix_tokens", self._vocabulary)
        if not already and job.prefix:
            already = self._tokens.encode(job.prefix, special=False)
        if already and sampling.n > 1:
            raise EngineFault("unsupported", "only one answer can be continued", param="n")
        count = job.prefix_count or len(already)
        room = self._context - len(prompt) - len(already)
        if sampling.max_tokens is not None:
            room = min(room, sampling.max_tokens - count)
        ends = frozenset() if sampling.ignore_eos else self._end_tokens
        wishes = Wishes.of(sampling, self._defaults)
        lora = self._loras.get(job.adapter)
        parallel = job.payload.get("parallel_tool_calls") is not False
        answers = []
        for index in range(sampling.n):
            seed = None if sampling.seed is None else sampling.seed + index
            sequence = Sequence(
                f"{job.rid}/{index}", prompt, room, ends, wishes, seed, already, lora
            )
            text = self._answer_text(sampling, chat, parallel)
            answers.append(Answer(index, sequence, text, count))
        generation = Generation(job.rid, len(prompt), answers, self._tokens, stream=job.stream)
        self._begin(job, generation, echo, already, room)

    def _begin(
        self, job: Submit, generation: Generation, echo: str, already: list[int], room: int
    ) -> None:
        assert self._runner is not None
        deltas = []
        if echo and not already:
            deltas = [Delta(job.rid, a.index, text=echo) for a in generation.answers]
        ended = room <= 0
        if already:
            answer = generation.answers[0].text
            if job.prefix_tokens:
                ended = answer.add(already).stopped or ended
            else:
                answer.resume(job.prefix, already)
        if ended:
            finish = "length" if room <= 0 else "stop"
            deltas += [generation.end_at_once(a, finish) for a in generation.answers]
            self._engine.emit(deltas)
            return
        if deltas:
            self._engine.emit(deltas)
        with self._lock:
            self._generations[generation.rid] = generation
            for answer_ in generation.answers:
                self._answers[answer_.sequence.key] = (generation, answer_)
        try:
            for answer_ in generation.answers:
                self._runner.add(answer_.sequence)
        except EngineFault:
            with self._lock:
                generation.over = True
                self._forget(generation)
            raise

    def _answer_text(
        self, sampling: Sampling, chat: ChatPrompt | None, parallel: bool
    ) -> AnswerText:
        return AnswerText(
            self._tokens.decode,
            sampling.stop,
            reasoning=(
                Reasoning(begun=chat.reasoning_begun)
                if chat is not None and (chat.reasoning or chat.reasoning_begun)
                else None
            ),
            tool_calls=(
                ToolCalls(only_one=not parallel) if chat is not None and chat.tools else None
            ),
        )

    def _completion_prompt(self, job: Submit) -> tuple[list[int], str]:
        prompt = job.payload["prompt"]
        if isinstance(prompt, str):
            tokens = self._tokens.encode(prompt, special=True)
            text = prompt
        else:
            tokens = checked_ids(prompt, "prompt", self._vocabulary)
            text = self._tokens.decode(tokens)
        if not tokens:
            start = getattr(self._tokens.tokenizer, "bos_token_id", None)
            if start is None:
                raise EngineFault("invalid", "the prompt is empty", param="prompt")
            tokens = [start]
        return tokens, text if job.payload.get("echo") else ""

    # -- in the runner's thread ---------------------------------------------------------------

    def _on_step(self, advances: list[Advance]) -> None:
        deltas: list[Delta] = []
        with self._lock:
            for advance in advances:
                self._token_count += len(advance.tokens)
                found = self._answers.get(advance.sequence.key)
                if found is None:
                    self._note_proof(advance)
                    continue
                generation, answer = found
                deltas += self._advance(generation, answer, advance)
                if generation.over:
                    self._forget(generation)
                elif answer.ended:
                    self._let_go(answer)
        if deltas:
            self._engine.emit(deltas)
        else:
            self._engine.steps += 1  # a step all the same, though nothing is to be told

    def _advance(self, generation: Generation, answer: Answer, advance: Advance) -> list[Delta]:
        try:
            return generation.advance(answer, advance)
        except Exception as error:
            # One request's trouble must not end the whole batch, nor leave the request waiting.
            log.exception("taking a step failed")
            generation.over = True
            fault = Fault("engine", f"{type(error).__name__}: {error}")
            return [Delta(generation.rid, fault=fault)]

    def _note_proof(self, advance: Advance) -> None:
        if advance.sequence.key == "" and advance.ended:
            self._proof_error = advance.error
            self._proof.set()

    def _forget(self, generation: Generation) -> None:
        self._generations.pop(generation.rid, None)
        for answer in generation.answers:
            self._let_go(answer)

    def _let_go(self, answer: Answer) -> None:
        assert self._runner is not None
        if self._answers.pop(answer.sequence.key, None) is not None:
            self._runner.cancel(answer.sequence)

    def _on_death(self, reason: str) -> None:
        """The batch cannot go on: its requests have their faults, the process must go."""
        if self._runner is None:
            return  # still proving; load decides
        log.error("the batch has died: %s", reason)
        self._engine.fail(Fault("engine", f"the batch has died: {reason}"))

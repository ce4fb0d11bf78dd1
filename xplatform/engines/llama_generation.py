"""Chat and completion in the llama.cpp engine."""

from __future__ import annotations

from typing import Any

import msgspec

from .base import EngineFault
from .llama_answers import (
    NATIVE_FIELDS,
    PromptAnswer,
    TokensAnswer,
    chat_chunk,
    encode,
    fault_of,
    fault_of_error,
    logprobs_of,
    native_chunk,
    too_long,
    tool_calls_of,
)
from .llama_jobs import Host, Job, Model, Part
from .llama_requests import (
    LONG_PROMPT_BYTES,
    cannot,
    format_body,
    grammar_of,
    has_images,
    messages_of,
    prompt_of,
    refuse,
    sampling_body,
    seed_of,
    template_body,
    tools_body,
)
from .protocol import Delta, Submit, Usage


class Generation(Job):
    """Chat and completion.

    Where the answer is plain text, the prompt is rendered first and completed through llama.cpp's
    own interface: it tells token ids, and an answer can be continued behind any token. Tools,
    JSON and reasoning need llama.cpp's parser and go through its chat interface.
    """

    def __init__(self, host: Host, submit: Submit) -> None:
        super().__init__(host, submit)
        model, payload, sampling = host.model, submit.payload, submit.sampling
        if model.kind != "llm":
            raise cannot(f"an embedding model cannot do {submit.kind}", "model")
        self.body = sampling_body(sampling, model.defaults, model.vocabulary)
        self.body["stream"] = True
        self.body |= host.lora_body(submit.adapter)
        self.top = sampling.logprobs or 0
        self.continued = bool(submit.prefix or submit.prefix_tokens or submit.prefix_count)
        #: tokens of the prefix, when there is one
        self.before = submit.prefix_count
        self.prompt: str | list[int] | None = None
        self.echo = ""
        self.usage_prompt = self.usage_completion = self.usage_cached = 0
        self.native = self.continuable = True
        self.messages: list[dict[str, Any]] = []
        self.chat_body: dict[str, Any] = {}
        if submit.kind == "chat":
            self._prepare_chat(model, payload)
        else:
            self._prepare_completion(model, payload)
        self.continuable &= self.native and sampling.n == 1 and sampling.logprobs is None
        if self.continued and not self.continuable:
            raise EngineFault(
                "engine",
                "an answer with tools, a response format, reasoning, logprobs or several choices "
                "cannot be continued by llama.cpp; it must be started anew",
                retryable=True,
            )
        left = -1 if sampling.max_tokens is None else sampling.max_tokens - submit.prefix_count
        if sampling.max_tokens is not None and sampling.max_tokens < 1:
            raise refuse("max_tokens must be at least 1", "max_tokens")
        self.left = left

    def _prepare_chat(self, model: Model, payload: dict[str, Any]) -> None:
        if not model.has_template:
            raise cannot("this model has no chat template; use completions instead", "messages")
        self.messages = messages_of(payload, vision=model.vision)
        self.chat_body = template_body(payload, self.messages)
        tools = tools_body(payload, supported=model.tools)
        form = format_body(payload)
        if (tools or form) and self.submit.sampling.logprobs is not None:
            # Its parser swallows those of tokens that make no text of their own.
            raise cannot("it has no logprobs for tools and response formats", "logprobs")
        self.chat_body |= tools | form
        self._constrain(payload)
        # llama.cpp's own interface would take a JSON schema, too, but where it cannot follow the
        # schema it says so on stderr only and lets the model write what it likes.
        images = has_images(self.messages)
        self.native = model.plain_template and not (tools or form or images)

    def _constrain(self, payload: dict[str, Any]) -> None:
        grammar = grammar_of(payload)
        if grammar is not None:
            self.body["grammar"] = grammar
            self.continuable = False  # it would start anew behind a prefix

    def _prepare_completion(self, model: Model, payload: dict[str, Any]) -> None:
        self.prompt = prompt_of(payload)
        self._constrain(payload)
        if format_body(payload):
            raise cannot("completions take a grammar, but no response format", "response_format")
        if payload.get("echo"):
            if self.submit.sampling.logprobs is not None:
                raise cannot("echo with logprobs would need the prompt's logprobs", "echo")
            if not isinstance(self.prompt, str):
                raise cannot("echo needs the prompt as text, not as token ids", "echo")
            self.echo = self.prompt
        if payload.get("suffix"):
            if not model.infill:
                raise cannot("this model was not trained to fill in before a suffix", "suffix")
            if not isinstance(self.prompt, str) or self.continued:
                raise cannot("a suffix needs the prompt as text, from its beginning", "suffix")

    def start(self) -> None:
        if self.echo and not self.continued:
            # Every choice begins with the prompt.
            for index in range(self.submit.sampling.n):
                self.host.out.append(Delta(self.rid, index, self.echo))
        if self.submit.kind == "chat" and self.native:
            self.ask("/apply-template", self.chat_body, self._rendered, "messages")
        elif self.submit.kind == "chat":
            self._start_chat()
        elif self.submit.payload.get("suffix"):
            self._start_native(
                "/infill",
                {"input_prefix": self.prompt, "input_suffix": self.submit.payload["suffix"]},
            )
        else:
            self._prompt_known()

    def _rendered(self, answer: bytes) -> None:
        self.prompt = msgspec.json.decode(answer, type=PromptAnswer).prompt
        self._prompt_known()

    def _prompt_known(self) -> None:
        if not self.continued:
            self._start_native("/completion", {"prompt": self.prompt})
        elif isinstance(self.prompt, str):
            # As ids, so that no token can form over the seam of prompt and prefix. The flags are
            # those llama.cpp itself uses for prompts.
            body = {"content": self.prompt, "add_special": True, "parse_special": True}
            self.ask("/tokenize", body, self._prompt_tokens, "prompt")
        else:
            self._prompt_as_ids(self.prompt or [])

    def _prompt_tokens(self, answer: bytes) -> None:
        self._prompt_as_ids(msgspec.json.decode(answer, type=TokensAnswer).tokens)

    def _prompt_as_ids(self, prompt: list[int]) -> None:
        submit = self.submit
        text = submit.prefix
        if self.echo and text.startswith(self.echo):
            text = text[len(self.echo) :]
        if submit.prefix_tokens and len(submit.prefix_tokens) == submit.prefix_count:
            self._continue(prompt, list(submit.prefix_tokens))
            return

        def tokenized(answer: bytes) -> None:
            self._continue(prompt, msgspec.json.decode(answer, type=TokensAnswer).tokens)

        body = {"content": text, "add_special": False, "parse_special": False}
        self.ask("/tokenize", body, tokenized, "prefix")

    def _continue(self, prompt: list[int], prefix: list[int]) -> None:
        self.before = self.submit.prefix_count or len(prefix)
        if self.submit.sampling.max_tokens is not None:
            self.left = self.submit.sampling.max_tokens - self.before
        limit = self.host.model.context_length
        room = limit - len(prompt) - len(prefix)
        if room <= 0 and len(prompt) >= limit:
            self.fail(too_long(len(prompt), limit, "messages"))
        elif room <= 0 or self.left == 0 or self.left < -1:
            usage = Usage(len(prompt), self.before, 0)
            self.finish(Delta(self.rid, finish="length", done=True, usage=usage))
        else:
            self.usage_prompt = -len(prefix)  # llama.cpp will count them as prompt
            self._start_native("/completion", {"prompt": prompt + prefix})

    def _start_native(self, path: str, prompt: dict[str, Any]) -> None:
        sampling = self.submit.sampling
        body = self.body | prompt
        body |= {"n_predict": self.left, "return_tokens": True, "response_fields": NATIVE_FIELDS}
        if sampling.logprobs is not None:
            body["n_probs"] = max(1, sampling.logprobs)
        size = len(self.prompt or "")
        if size * (1 if isinstance(self.prompt, str) else 4) > LONG_PROMPT_BYTES:
            body["return_progress"] = True
        self._start_parts(NativePart, path, body)

    def _start_chat(self) -> None:
        sampling = self.submit.sampling
        body = self.body | self.chat_body
        body |= {"stream_options": {"include_usage": True}, "max_tokens": self.left}
        if sampling.logprobs is not None:
            body |= {"logprobs": True, "top_logprobs": max(1, sampling.logprobs)}
        if len(encode(self.messages)) > LONG_PROMPT_BYTES:
            body["return_progress"] = True
        self._start_parts(ChatPart, "/v1/chat/completions", body)

    def _start_parts(
        self, kind: type[NativePart] | type[ChatPart], path: str, body: dict[str, Any]
    ) -> None:
        sampling = self.submit.sampling
        self.unfinished = sampling.n
        for index in range(sampling.n):
            seeded = body | {"seed": seed_of(sampling, index)}
            self.parts.append(kind(self, index, path, seeded))
        for part in self.parts:
            self.host.enqueue(part)

    def choice_ended(self, delta: Delta, prompt: int, completion: int, cached: int) -> None:
        if self.unfinished == self.submit.sampling.n:
            # All choices have the same prompt; it is counted once.
            self.usage_prompt += prompt
            self.usage_cached = min(cached, self.usage_prompt)
        self.usage_completion += completion
        self.unfinished -= 1
        if self.unfinished:
            self.host.out.append(delta)
            return
        usage = Usage(self.usage_prompt, self.before + self.usage_completion, self.usage_cached)
        self.finish(msgspec.structs.replace(delta, done=True, usage=usage))

    def refused(self, status: int, answer: bytes) -> None:
        param = "messages" if self.submit.kind == "chat" else "prompt"
        fault = fault_of(status, answer, param)
        if fault.code != "engine" or self.native:
            self.fail(fault)
            return
        # Was it the request? Rendering it does the same checks without running anything, and
        # ``ask`` takes what it raises as the caller's.
        self.ask("/apply-template", self.chat_body, lambda _: self.fail(fault), param)


class NativePart(Part):
    """A choice that comes through llama.cpp's own interface."""

    job: Generation
    predicted = 0

    def event(self, payload: bytes) -> None:
        chunk = native_chunk.decode(payload)
        job = self.job
        if chunk.error is not None:
            self.over()
            job.fail(fault_of_error(chunk.error, None))
            return
        new = chunk.tokens_predicted - self.predicted
        self.predicted = chunk.tokens_predicted
        if chunk.stop:
            self.over()
            finish = "length" if chunk.stop_type == "limit" else "stop"
            delta = Delta(job.rid, self.index, chunk.content, finish=finish, count=new)
            job.choice_ended(delta, chunk.tokens_evaluated, self.predicted, chunk.cached)
        elif new == 0:
            job.host.steps += 1  # progress with the prompt
        elif chunk.completion_probabilities:
            logprobs = logprobs_of(chunk.completion_probabilities, job.top)
            delta = Delta(job.rid, self.index, chunk.content, chunk.tokens, logprobs=logprobs)
            job.host.out.append(delta)
        elif new == len(chunk.tokens):
            job.host.out.append(Delta(job.rid, self.index, chunk.content, chunk.tokens))
        else:
            # Tokens before this one were held back (parts of a character, maybe of a stop text):
            # their ids are not told, so better none than a gap.
            job.host.out.append(Delta(job.rid, self.index, chunk.content, count=new))

    def answered(self, status: int, answer: bytes) -> None:
        self.over()
        self.job.refused(status, answer)


class ChatPart(Part):
    """A choice that comes through llama.cpp's parser for tools, reasoning and JSON."""

    job: Generation
    counted = 0
    finish: str | None = None

    def event(self, payload: bytes) -> None:
        if payload == b"[DONE]":
            return
        chunk = chat_chunk.decode(payload)
        job = self.job
        if chunk.error is not None:
            self.over()
            job.fail(fault_of_error(chunk.error, None))
            return
        for choice in chunk.choices:
            self.finish = choice.finish_reason or self.finish
            delta = choice.delta
            if not (delta.content or delta.reasoning_content or delta.tool_calls):
                continue
            self.counted += 1
            logprobs = choice.logprobs.content if choice.logprobs is not None else None
            job.host.out.append(
                Delta(
                    job.rid,
                    self.index,
                    delta.content or "",
                    reasoning=delta.reasoning_content or "",
                    tool_calls=tool_calls_of(delta.tool_calls or []),
                    logprobs=logprobs_of(logprobs or [], job.top),
                    count=1,
                )
            )
        job.host.steps += 1
        usage = chunk.usage
        if usage is not None:
            self.over()
            total = usage.completion_tokens
            last = Delta(
                job.rid,
                self.index,
                finish=self.finish or "stop",
                count=max(0, total - self.counted),
            )
            cached = usage.prompt_tokens_details.cached_tokens
            job.choice_ended(last, usage.prompt_tokens, total, cached)

    def answered(self, status: int, answer: bytes) -> None:
        self.over()
        self.job.refused(status, answer)

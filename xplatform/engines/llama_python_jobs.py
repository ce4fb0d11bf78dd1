"""The jobs of the llama-cpp-python engine. They run one after the other in the model's thread."""

from __future__ import annotations

import array
import json
import math
import secrets
from typing import TYPE_CHECKING, Any

from .base import EngineFault
from .llama_requests import (
    cannot,
    format_body,
    grammar_of,
    inputs_of,
    messages_of,
    prompt_of,
    refuse,
    sampling_body,
    seed_of,
    template_body,
)
from .protocol import Delta, Submit, TokenLogprob, Usage
from .shown_text import ShownText

if TYPE_CHECKING:
    from .llama_cpp_python import LlamaCppPython

_NAME = "llama-cpp-python"


class Aborted(Exception):
    """Raised in the job's thread when somebody wants it to end."""


class Job:
    """``run`` does the work, emits what comes, and returns the last delta."""

    def __init__(self, engine: LlamaCppPython, submit: Submit) -> None:
        self.engine = engine
        self.submit = submit
        self.rid = submit.rid
        self.aborted = False

    def run(self) -> Delta:
        raise NotImplementedError

    def check(self) -> None:
        if self.aborted:
            raise Aborted

    def render(self, payload: dict[str, Any]) -> str:
        """The prompt of a chat."""
        if self.engine.template is None:
            raise cannot("this model has no chat template", "messages", _NAME)
        messages = messages_of(payload, vision=False, engine=_NAME)
        kwargs = template_body(payload, messages).get("chat_template_kwargs", {})
        flat = [_with_text(message) for message in messages]
        try:
            return str(self.engine.template(messages=flat, **kwargs).prompt)
        except Exception as error:
            raise refuse(f"the chat template refuses the messages: {error}", "messages") from error

    def chat_tokens(self, payload: dict[str, Any]) -> list[int]:
        tokens = self.engine.tokenize(self.render(payload))
        # Templates often write the mark of the beginning that the tokenizer adds, too.
        first = self.engine.llama.token_bos()
        return tokens[1:] if tokens[:2] == [first, first] else tokens


class Generation(Job):
    def __init__(self, engine: LlamaCppPython, submit: Submit) -> None:
        super().__init__(engine, submit)
        if engine.kind != "llm":
            raise cannot(f"an embedding model cannot do {submit.kind}", "model", _NAME)
        payload, sampling = submit.payload, submit.sampling
        body = sampling_body(sampling, engine.defaults, engine.llama.n_vocab())
        self.bias: dict[int, float] = dict(body.pop("logit_bias", []))
        self.stops = tuple(body.pop("stop", ()))
        if body.pop("ignore_eos", False):
            model = engine.llama._model
            self.bias |= dict.fromkeys((model.token_eos(), model.token_eot()), -math.inf)
            self.bias.pop(-1, None)
        self.arguments = {
            "temp": body["temperature"],
            "top_p": body["top_p"],
            "top_k": body["top_k"],
            "min_p": body["min_p"],
            "repeat_penalty": body["repeat_penalty"],
            "frequency_penalty": body["frequency_penalty"],
            "presence_penalty": body["presence_penalty"],
        }
        if payload.get("tools") or payload.get("tool_choice") not in (None, "none", "auto"):
            raise cannot("it does no tool calls", "tools", _NAME)
        if payload.get("suffix"):
            raise cannot("it fills in nothing before a suffix", "suffix", _NAME)
        if sampling.max_tokens is not None and sampling.max_tokens < 1:
            raise refuse("max_tokens must be at least 1", "max_tokens")
        self.echo = ""
        if submit.kind == "completion":
            prompt = prompt_of(payload)
            if payload.get("echo"):
                if sampling.logprobs is not None or not isinstance(prompt, str):
                    raise cannot("echo needs a prompt as text, without logprobs", "echo", _NAME)
                self.echo = prompt
        else:
            messages_of(payload, vision=False, engine=_NAME)
        self.grammar = self._grammar(payload)
        self.continued = bool(submit.prefix or submit.prefix_tokens or submit.prefix_count)
        if self.continued and (self.grammar is not None or sampling.n > 1 or sampling.logprobs):
            raise EngineFault(
                "engine",
                "an answer with a grammar, logprobs or several choices cannot be continued",
                retryable=True,
            )

    def _grammar(self, payload: dict[str, Any]) -> Any:
        text = grammar_of(payload)
        form = format_body(payload).get("response_format")
        if text is None and form is None:
            return None
        import llama_cpp

        param = "grammar"
        if form is not None:
            param = "response_format"
            schema = form.get("json_schema", {}).get("schema") or {"type": "object"}
            try:
                grammar = llama_cpp.LlamaGrammar.from_json_schema(json.dumps(schema), verbose=False)
            except Exception as error:
                raise refuse(f"response_format: bad schema: {error}", param) from error
        else:
            grammar = llama_cpp.LlamaGrammar.from_string(text, verbose=False)
        # A grammar that llama.cpp cannot read would end the process later.
        vocab = self.engine.llama._model.vocab
        sampler = llama_cpp.llama_sampler_init_grammar(vocab, grammar._grammar.encode(), b"root")
        if not sampler:
            raise refuse(f"{param}: llama.cpp cannot read the grammar", param)
        llama_cpp.llama_sampler_free(sampler)
        return grammar

    # -- in the model's thread ----------------------------------------------------------------

    def run(self) -> Delta:
        engine, submit = self.engine, self.submit
        if submit.kind == "chat":
            prompt = self.chat_tokens(submit.payload)
        else:
            given = prompt_of(submit.payload)
            prompt = engine.tokenize(given) if isinstance(given, str) else list(given)
            if not prompt or not all(0 <= token < engine.llama.n_vocab() for token in prompt):
                raise refuse("the prompt has token ids that do not exist, or none", "prompt")
        engine.check_length(len(prompt), "messages" if submit.kind == "chat" else "prompt")
        prefix = self._prefix()
        before = submit.prefix_count or len(prefix)
        completion = cached = 0
        last = Delta(self.rid)
        for index in range(submit.sampling.n):
            if self.echo and not self.continued:
                engine.emit([Delta(self.rid, index, self.echo)])
            if index:
                engine.emit([last])
            count, reused, last = self._choice(index, prompt + prefix, len(prompt), before)
            completion += count
            cached = cached if index else min(reused, len(prompt))
        usage = Usage(len(prompt), before + completion, cached)
        return Delta(self.rid, last.index, last.text, finish=last.finish, done=True, usage=usage)

    def _prefix(self) -> list[int]:
        submit = self.submit
        if submit.prefix_tokens and len(submit.prefix_tokens) == submit.prefix_count:
            return list(submit.prefix_tokens)
        text = submit.prefix
        if self.echo and text.startswith(self.echo):
            text = text[len(self.echo) :]
        return self.engine.tokenize(text, special=False) if text else []

    def _choice(
        self, index: int, tokens: list[int], prompt: int, before: int
    ) -> tuple[int, int, Delta]:
        """One answer; its last delta, with the finish reason, is returned, not emitted."""
        import llama_cpp

        engine, llama, sampling = self.engine, self.engine.llama, self.submit.sampling
        room = engine.context_length - len(tokens)
        if sampling.max_tokens is not None:
            room = min(room, sampling.max_tokens - before)
        if room <= 0:
            return 0, 0, Delta(self.rid, index, finish="length")
        reused = self._digest(tokens)
        seed = seed_of(sampling, index) if sampling.seed is not None else secrets.randbits(32) - 1
        llama.set_seed(max(0, seed))
        shown = ShownText(self.stops)
        count, finish = 0, "length"
        steps = llama.generate(
            tokens, **self.arguments, logits_processor=self._processors(), grammar=self.grammar
        )
        try:
            for token in steps:
                self.check()
                if llama_cpp.llama_vocab_is_eog(llama._model.vocab, token):
                    finish = "stop"
                    break
                count += 1
                piece = engine.piece(token)
                text = shown.feed(piece)
                logprobs = () if sampling.logprobs is None else (self._logprob(token, piece),)
                engine.emit([Delta(self.rid, index, text, (token,), logprobs=logprobs)])
                if shown.stopped:
                    finish = "stop"
                    break
                if count >= room:
                    break
        finally:
            steps.close()
        return count, reused, Delta(self.rid, index, shown.end(), finish=finish)

    def _digest(self, tokens: list[int]) -> int:
        """Work through all but the last token in steps, so that an abort is seen between them;
        ``generate`` then finds them done. Returns how many were there from before."""
        llama = self.engine.llama
        same = 0
        for old, new in zip(llama._input_ids.tolist(), tokens[:-1], strict=False):
            if old != new:
                break
            same += 1
        if same < llama.n_tokens:
            if same and llama._ctx.kv_cache_seq_rm(-1, same, -1):
                llama.n_tokens = same
            else:
                llama.reset()
                same = 0
        for first in range(same, len(tokens) - 1, self.engine.batch):
            self.check()
            llama.eval(tokens[first : min(first + self.engine.batch, len(tokens) - 1)])
            self.engine.steps += 1
        return same

    def _processors(self) -> Any:
        if not self.bias:
            return None
        import llama_cpp
        import numpy

        ids = numpy.array(list(self.bias), numpy.intc)
        values = numpy.array(list(self.bias.values()), numpy.single)

        def biased(_: Any, scores: Any) -> Any:
            # The candidates come in the order of their ids: the bias is the first sampler.
            scores = numpy.copy(scores)
            scores[ids] += values
            return scores

        return llama_cpp.LogitsProcessorList([biased])

    def _logprob(self, token: int, piece: bytes) -> TokenLogprob:
        """From the logits the token was just drawn from."""
        import numpy

        llama = self.engine.llama
        size = llama.n_vocab()
        logits = numpy.ctypeslib.as_array(llama._ctx.get_logits_ith(-1), shape=(size,))
        logits = logits.astype(numpy.float64)
        logits -= logits.max()
        logprobs = logits - math.log(numpy.exp(logits).sum())
        wanted = self.submit.sampling.logprobs or 0
        best = numpy.argsort(-logprobs)[:wanted].tolist() if wanted else []

        def entry(number: int) -> tuple[str, float, bytes]:
            raw = self.engine.piece(number, special=True)
            return raw.decode("utf-8", "replace"), float(logprobs[number]), raw

        text = piece.decode("utf-8", "replace")
        top = tuple(entry(number) for number in best)
        return TokenLogprob(text, float(logprobs[token]), piece, top)


class Embedding(Job):
    def __init__(self, engine: LlamaCppPython, submit: Submit) -> None:
        super().__init__(engine, submit)
        if engine.kind != "embedding":
            raise cannot("this model was launched for generation", "model", _NAME)
        self.inputs = inputs_of(submit.payload)
        if not all(isinstance(value, str) for value in self.inputs):
            raise cannot("it embeds texts, not token ids", "input", _NAME)
        self.dimensions = submit.payload.get("dimensions")
        width = engine.llama.n_embd()
        if self.dimensions is not None and (
            type(self.dimensions) is not int or not 1 <= self.dimensions <= width
        ):
            raise refuse(f"dimensions must be between 1 and {width}", "dimensions")

    def run(self) -> Delta:
        llama, vectors, total = self.engine.llama, array.array("f"), 0
        for text in self.inputs:
            self.check()
            assert isinstance(text, str)
            count = len(llama.tokenize(text.encode()))
            self.engine.check_length(count, "input")
            total += count
            vector = llama.embed(text, normalize=True, truncate=False)
            if self.dimensions is not None and self.dimensions < len(vector):
                vector = vector[: self.dimensions]
                norm = math.hypot(*vector) or 1.0
                vector = [value / norm for value in vector]
            vectors.extend(vector)
            self.engine.steps += 1
        result = {"vectors": vectors.tobytes(), "dimensions": len(vectors) // len(self.inputs)}
        return Delta(self.rid, done=True, usage=Usage(total, 0), result=result)


class Tokenize(Job):
    def __init__(self, engine: LlamaCppPython, submit: Submit) -> None:
        super().__init__(engine, submit)
        text, messages = submit.payload.get("text"), submit.payload.get("messages")
        if not isinstance(text, str) and (text is not None or messages is None):
            raise refuse("text must be a text", "text")

    def run(self) -> Delta:
        text = self.submit.payload.get("text")
        if isinstance(text, str):
            tokens = self.engine.tokenize(text)
        else:
            tokens = self.chat_tokens(self.submit.payload)
        pieces = [self.engine.piece(token, special=True) for token in tokens]
        texts = [piece.decode("utf-8", "replace") for piece in pieces]
        result = {"tokens": tokens, "texts": texts}
        return Delta(self.rid, done=True, usage=Usage(len(tokens), 0), result=result)


class Detokenize(Job):
    def __init__(self, engine: LlamaCppPython, submit: Submit) -> None:
        super().__init__(engine, submit)
        self.tokens = submit.payload.get("tokens")
        size = engine.llama.n_vocab()
        if not isinstance(self.tokens, list) or not all(
            type(token) is int and 0 <= token < size for token in self.tokens
        ):
            raise refuse(f"tokens must be a list of ids below {size}", "tokens")

    def run(self) -> Delta:
        raw = b"".join(self.engine.piece(token, special=True) for token in self.tokens or [])
        return Delta(self.rid, done=True, result={"text": raw.decode("utf-8", "replace")})


def _with_text(message: dict[str, Any]) -> dict[str, Any]:
    """Templates mostly expect text where the interface allows a list of text parts."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": "".join(part.get("text", "") for part in content)}


JOBS: dict[str, type[Job]] = {
    "chat": Generation,
    "completion": Generation,
    "embedding": Embedding,
    "tokenize": Tokenize,
    "detokenize": Detokenize,
}

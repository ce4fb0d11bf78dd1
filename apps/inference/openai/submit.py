"""Requests to the engine's jobs, and the question whether the engine can do them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from xplatform.core.errors import Unsupported
from xplatform.engines.protocol import Capabilities, Sampling, Submit

from .rules import wants_continuation
from .schema import (
    AssistantMessage,
    AudioPart,
    ChatMessage,
    ChatRequest,
    CompletionRequest,
    DetokenizeRequest,
    EmbeddingRequest,
    GenerationRequest,
    ImagePart,
    JSONObjectFormat,
    JSONSchemaFormat,
    Request,
    TextPart,
    TokenizeRequest,
    UserMessage,
)

#: asking for these values asks for nothing, so any engine can do it
_NEUTRAL: Final[dict[str, Any]] = {
    "top_p": 1,
    "top_k": 0,
    "min_p": 0,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repetition_penalty": 1,
    "stop": (),
    "logit_bias": {},
    "n": 1,
    "ignore_eos": False,
}


# --- jobs ------------------------------------------------------------------------------------


def to_submits(request: Request, rid: str) -> list[Submit]:
    """The jobs of one request: one, but for a completion of several prompts, which has one for
    each, called ``rid-0``, ``rid-1``, … in their order."""
    if not isinstance(request, CompletionRequest):
        return [to_submit(request, rid)]
    prompts = _texts(request.prompt)
    return [
        Submit(
            rid if len(prompts) == 1 else f"{rid}-{place}",
            "completion",
            _completion_payload(request, prompt),
            sampling(request),
            stream=bool(request.stream),
        )
        for place, prompt in enumerate(prompts)
    ]


def with_adapter(jobs: list[Submit], adapter: str) -> list[Submit]:
    if not adapter:
        return jobs
    return [msgspec.structs.replace(job, adapter=adapter) for job in jobs]


def choice_bases(jobs: Iterable[Submit]) -> dict[str, int]:
    """Job → number of its first choice in the answer: what the answers in ``encode`` need."""
    bases: dict[str, int] = {}
    total = 0
    for job in jobs:
        bases[job.rid] = total
        total += job.sampling.n
    return bases


def to_submit(request: Request, rid: str) -> Submit:
    """The one job of a request that has only one."""
    if isinstance(request, ChatRequest):
        payload, prefix = _chat_payload(request)
        return Submit(
            rid, "chat", payload, sampling(request), stream=bool(request.stream), prefix=prefix
        )
    if isinstance(request, CompletionRequest):
        (job,) = to_submits(request, rid)
        return job
    if isinstance(request, EmbeddingRequest):
        embedding: dict[str, Any] = {"inputs": _texts(request.input)}
        if request.dimensions is not None:
            embedding["dimensions"] = request.dimensions
        return Submit(rid, "embedding", embedding, stream=False)
    if isinstance(request, TokenizeRequest):
        return Submit(rid, "tokenize", _tokenize_payload(request), stream=False)
    return Submit(rid, "detokenize", {"tokens": request.tokens}, stream=False)


def sampling(request: GenerationRequest) -> Sampling:
    max_tokens = request.max_tokens
    if isinstance(request, ChatRequest):
        max_tokens = max_tokens or request.max_completion_tokens
        logprobs = (request.top_logprobs or 0) if request.logprobs else None
    else:
        logprobs = request.logprobs
    stop = request.stop
    bias = None
    if request.logit_bias is not None:
        bias = {int(token): value for token, value in request.logit_bias.items()}
    return Sampling(
        max_tokens=max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        # both mean "no limit"; engines know one or the other, 0 is the common one
        top_k=0 if request.top_k == -1 else request.top_k,
        min_p=request.min_p,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        repetition_penalty=request.repetition_penalty,
        seed=request.seed,
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        logit_bias=bias,
        logprobs=logprobs,
        n=request.n or 1,
        ignore_eos=bool(request.ignore_eos),
    )


def _chat_payload(request: ChatRequest) -> tuple[dict[str, Any], str]:
    messages: Sequence[ChatMessage] = request.messages
    prefix = ""
    if wants_continuation(request):
        last = messages[-1]
        assert isinstance(last, AssistantMessage)  # rules.py made sure
        prefix = _plain(last)
        messages = messages[:-1]
    payload: dict[str, Any] = {"messages": [_message(message) for message in messages]}
    if request.tools is not None:
        payload["tools"] = msgspec.to_builtins(request.tools)
        if request.tool_choice is not None:
            payload["tool_choice"] = msgspec.to_builtins(request.tool_choice)
        if request.parallel_tool_calls is not None:
            payload["parallel_tool_calls"] = request.parallel_tool_calls
    if isinstance(request.response_format, JSONObjectFormat | JSONSchemaFormat):
        payload["response_format"] = msgspec.to_builtins(request.response_format)
    kwargs = dict(request.chat_template_kwargs or {})
    if request.reasoning_effort is not None:
        kwargs["reasoning_effort"] = request.reasoning_effort
        # Some templates know efforts, others only whether to think at all.
        kwargs.setdefault("enable_thinking", request.reasoning_effort != "none")
    if kwargs:
        payload["template_kwargs"] = kwargs
    return payload, prefix


def _message(message: ChatMessage) -> dict[str, Any]:
    """As a chat template expects it: templates know ``system``, few know ``developer``; and
    they test whether ``content`` is none, so it must be there."""
    out: dict[str, Any] = msgspec.to_builtins(message)
    if out["role"] == "developer":
        out["role"] = "system"
    if isinstance(message, AssistantMessage):
        out.setdefault("content", None)
        out.pop("prefix", None)
        for call in out.get("tool_calls", ()):
            call.pop("index", None)
    return out


def _plain(message: AssistantMessage) -> str:
    if isinstance(message.content, list):
        return "".join(part.text for part in message.content if isinstance(part, TextPart))
    return message.content or ""


def _completion_payload(request: CompletionRequest, prompt: str | list[int]) -> dict[str, Any]:
    payload: dict[str, Any] = {"prompt": prompt}
    if request.suffix:
        payload["suffix"] = request.suffix
    if request.echo:
        payload["echo"] = True
    return payload


def _tokenize_payload(request: TokenizeRequest) -> dict[str, Any]:
    payload: dict[str, Any]
    if request.messages is None:
        payload = {"text": request.prompt}
    else:
        payload = {"messages": [_message(message) for message in request.messages]}
        if request.tools is not None:
            payload["tools"] = msgspec.to_builtins(request.tools)
        if request.chat_template_kwargs:
            payload["template_kwargs"] = request.chat_template_kwargs
    if request.add_special_tokens is not None:
        payload["add_special_tokens"] = request.add_special_tokens
    return payload


def _texts(value: Any) -> list[Any]:
    """A list of texts (or of lists of ids) out of all forms that OpenAI allows."""
    return [value] if isinstance(value, str) or isinstance(value[0], int) else list(value)


# --- what is asked for -----------------------------------------------------------------------


def used_parameters(request: Request) -> frozenset[str]:
    """What the request asks for, in the words of ``Capabilities.parameters``."""
    used = set[str]()
    if isinstance(request, ChatRequest | CompletionRequest):
        values = msgspec.structs.asdict(sampling(request))
        used |= {
            name
            for name, value in values.items()
            if value is not None and not (name in _NEUTRAL and value == _NEUTRAL[name])
        }
    if isinstance(request, ChatRequest):
        if request.tools is not None:
            used.add("tools")
            # auto is what happens without it
            if request.tool_choice not in (None, "auto"):
                used.add("tool_choice")
            if request.parallel_tool_calls is False:
                used.add("parallel_tool_calls")
        if isinstance(request.response_format, JSONObjectFormat | JSONSchemaFormat):
            used.add("response_format")
    elif isinstance(request, CompletionRequest):
        used |= {name for name in ("echo", "suffix") if getattr(request, name)}
    elif isinstance(request, EmbeddingRequest):
        if request.dimensions is not None:
            used.add("dimensions")
    elif isinstance(request, TokenizeRequest):
        if request.tools is not None:
            used.add("tools")
        if request.add_special_tokens is not None:
            used.add("add_special_tokens")
    if isinstance(request, ChatRequest | TokenizeRequest) and request.chat_template_kwargs:
        used.add("chat_template_kwargs")
    return frozenset(used)


def needed_abilities(request: Request) -> dict[str, str]:
    """Ability (in the words of ``Capabilities.abilities``) → field that needs it."""
    if isinstance(request, CompletionRequest):
        return {"completion": "model"}
    if isinstance(request, EmbeddingRequest):
        return {"embedding": "model"}
    if isinstance(request, DetokenizeRequest):
        return {"detokenize": "model"}
    needed = {"tokenize": "model"}
    if isinstance(request, ChatRequest):
        needed = {"chat": "model"}
        if request.tools is not None:
            needed["tools"] = "tools"
            if any(tool.function.strict for tool in request.tools):
                needed["json_schema"] = "tools[].function.strict"
        if isinstance(request.response_format, JSONSchemaFormat):
            needed["json_schema"] = "response_format"
        if isinstance(request.response_format, JSONObjectFormat):
            needed["json_object"] = "response_format"
        if request.reasoning_effort is not None:
            needed["reasoning"] = "reasoning_effort"
        if wants_continuation(request):
            named = "continue_final_message"
            if not request.continue_final_message:
                named = f"messages[{len(request.messages) - 1}].prefix"
            needed["continuation"] = named
    return needed | _media(request.messages or ())


def _media(messages: Iterable[ChatMessage]) -> dict[str, str]:
    needed: dict[str, str] = {}
    for place, message in enumerate(messages):
        if isinstance(message, UserMessage) and isinstance(message.content, list):
            for number, part in enumerate(message.content):
                where = f"messages[{place}].content[{number}]"
                if isinstance(part, ImagePart):
                    needed.setdefault("vision", f"{where}.image_url")
                elif isinstance(part, AudioPart):
                    needed.setdefault("audio", f"{where}.input_audio")
    return needed


def check_capabilities(request: Request, capabilities: Capabilities, engine_name: str) -> None:
    """Refuse what the engine would have to ignore, by the name the caller used."""
    for ability, field in needed_abilities(request).items():
        if ability not in capabilities.abilities:
            if field == "model":
                hint = f"The model '{request.model}' cannot do '{ability}' requests."
                if capabilities.abilities:
                    hint += f" It can: {', '.join(capabilities.abilities)}."
            else:
                hint = f"It needs the ability '{ability}', which the model does not have here."
            raise Unsupported(field, engine_name, hint)
    for name in sorted(used_parameters(request).difference(capabilities.parameters)):
        field = name
        if name == "max_tokens" and isinstance(request, ChatRequest) and not request.max_tokens:
            field = "max_completion_tokens"
        hint = ""
        if capabilities.parameters:
            hint = f"Supported: {', '.join(sorted(capabilities.parameters))}."
        raise Unsupported(field, engine_name, hint)

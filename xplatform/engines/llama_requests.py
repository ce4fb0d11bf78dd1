"""From a ``Submit`` to what llama.cpp is asked: pure mapping, and refusals by name.

Defaults. Where the caller says nothing we use what the model's author wrote into the file
(``general.sampling.*``), else OpenAI's documented defaults (temperature 1, top_p 1) with the other
truncations off. llama.cpp's own (0.8, top_k 40, top_p 0.95, min_p 0.05) would silently give the
same request another distribution than the other engines give it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from .base import EngineFault
from .gguf_header import GgufHeader
from .protocol import Sampling

OPENAI_DEFAULTS: Final[dict[str, float | int]] = {
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "repeat_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}

#: GGUF key → llama.cpp's request parameter
_FROM_FILE: Final = {
    "general.sampling.temp": "temperature",
    "general.sampling.top_p": "top_p",
    "general.sampling.top_k": "top_k",
    "general.sampling.min_p": "min_p",
    "general.sampling.penalty_repeat": "repeat_penalty",
}

#: our name → llama.cpp's
_SAMPLING: Final = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "repetition_penalty": "repeat_penalty",
}

#: In llama.cpp this seed means "choose one".
_RANDOM_SEED: Final = 0xFFFFFFFF

#: A prompt of more bytes than this is answered with progress in between, so that work on it can
#: be told from a stall and can be stopped early.
LONG_PROMPT_BYTES: Final = 1024


def refuse(message: str, param: str) -> EngineFault:
    return EngineFault("invalid", message, param=param)


def cannot(message: str, param: str, engine: str = "llama.cpp") -> EngineFault:
    return EngineFault("unsupported", f"engine {engine}: {message}", param=param)


def sampling_defaults(header: GgufHeader) -> dict[str, float | int]:
    defaults = dict(OPENAI_DEFAULTS)
    for key, name in _FROM_FILE.items():
        value = header.metadata.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            defaults[name] = value
    return defaults


def sampling_body(
    sampling: Sampling, defaults: dict[str, float | int], vocabulary: int | None
) -> dict[str, Any]:
    """The part of a request that is the same for llama.cpp's own and its OpenAI interface."""
    body: dict[str, Any] = dict(defaults)
    for ours, theirs in _SAMPLING.items():
        value = getattr(sampling, ours)
        if value is not None:
            if not math.isfinite(value):
                raise refuse(f"{ours} must be a finite number", ours)
            body[theirs] = value
    if body["temperature"] < 0:
        raise refuse("temperature must not be negative", "temperature")
    body["top_k"] = max(0, int(body["top_k"]))  # 0 and -1 both mean: off
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.ignore_eos:
        body["ignore_eos"] = True
    if sampling.logit_bias:
        for token in sampling.logit_bias:
            if token < 0 or (vocabulary is not None and token >= vocabulary):
                raise refuse(f"logit_bias: there is no token {token}", "logit_bias")
        body["logit_bias"] = [[token, bias] for token, bias in sampling.logit_bias.items()]
    if sampling.n < 1:
        raise refuse("n must be at least 1", "n")
    return body


def seed_of(sampling: Sampling, index: int) -> int:
    """Choices of one request differ, and are the same again with the same seed."""
    if sampling.seed is None:
        return _RANDOM_SEED
    seed = (sampling.seed + index) & 0xFFFFFFFF
    return seed if seed != _RANDOM_SEED else 0


def messages_of(
    payload: dict[str, Any], *, vision: bool, engine: str = "llama.cpp"
) -> list[dict[str, Any]]:
    messages = payload.get("messages")
    if not isinstance(messages, list) or not messages:
        raise refuse("messages must be a list with at least one message", "messages")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise refuse(f"messages[{number}] has no role", "messages")
        content = message.get("content")
        if content is None or isinstance(content, str):
            continue
        if not isinstance(content, list):
            raise refuse(f"messages[{number}].content must be a text or a list", "messages")
        for part in content:
            _check_part(part, number, vision, engine)
    return messages


def _check_part(part: object, number: int, vision: bool, engine: str) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return
    if kind == "image_url":
        if vision:
            _check_bytes(part, number)
            return
        raise cannot("this model takes no images (it has no mmproj file)", "messages", engine)
    raise cannot(
        f"messages[{number}] has a part of type {kind!r}; only text is taken", "messages", engine
    )


def _check_bytes(part: Any, number: int) -> None:
    """llama.cpp would follow an address; only the platform does that, and sends what it found."""
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str) or not url.startswith("data:image/"):
        raise refuse(f"messages[{number}] has an image that is no data: URL", "messages")


def has_images(messages: Iterable[dict[str, Any]]) -> bool:
    return any(
        isinstance(message.get("content"), list)
        and any(part.get("type") == "image_url" for part in message["content"])
        for message in messages
    )


def template_body(payload: dict[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": messages}
    kwargs = payload.get("template_kwargs")
    if kwargs:
        if not isinstance(kwargs, dict):
            raise refuse("chat_template_kwargs must be an object", "chat_template_kwargs")
        body["chat_template_kwargs"] = kwargs
    return body


def tools_body(payload: dict[str, Any], *, supported: bool) -> dict[str, Any]:
    """Tools and what goes with them; empty without tools."""
    tools = payload.get("tools")
    choice = payload.get("tool_choice")
    if not tools:
        if choice not in (None, "none", "auto"):
            raise refuse("tool_choice was given without tools", "tool_choice")
        return {}
    if not isinstance(tools, list):
        raise refuse("tools must be a list", "tools")
    names = [_tool_name(tool, number) for number, tool in enumerate(tools)]
    if not supported:
        # Such a template would drop the tools without a word.
        raise cannot("this model's chat template has no place for tools", "tools")
    body: dict[str, Any] = {"tools": tools}
    if isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        if name not in names:
            raise refuse(f"tool_choice names {name!r}, which is not among the tools", "tool_choice")
        # llama.cpp knows no single function; with only that one on offer, "required" is it.
        body["tools"] = [tools[names.index(name)]]
        body["tool_choice"] = "required"
    elif choice is not None:
        if choice not in ("auto", "none", "required"):
            raise refuse("tool_choice must be auto, none, required or a function", "tool_choice")
        body["tool_choice"] = choice
    parallel = payload.get("parallel_tool_calls")
    if parallel is not None:
        body["parallel_tool_calls"] = bool(parallel)
    return body


def _tool_name(tool: object, number: int) -> str:
    if isinstance(tool, dict) and tool.get("type", "function") == "function":
        function = tool.get("function")
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            return str(function["name"])
    raise refuse(f"tools[{number}] is not a function with a name", "tools")


def grammar_of(payload: dict[str, Any]) -> str | None:
    grammar = payload.get("grammar")
    if grammar is None:
        return None
    # The other notation that llama.cpp knows fails silently: mistakes in it are not told.
    if not isinstance(grammar, str) or not grammar.strip() or grammar.startswith("%"):
        raise refuse("grammar must be a text in GBNF", "grammar")
    if format_body(payload) or payload.get("tools"):
        raise refuse("grammar excludes tools and response_format", "grammar")
    return grammar


def format_body(payload: dict[str, Any]) -> dict[str, Any]:
    """``response_format``; empty when the answer is free text."""
    wanted = payload.get("response_format")
    if wanted is None or (isinstance(wanted, dict) and wanted.get("type") == "text"):
        return {}
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_object":
        schema = wanted.get("schema")
    elif kind == "json_schema":
        nested = wanted.get("json_schema")
        schema = nested.get("schema") if isinstance(nested, dict) else wanted.get("schema")
        if schema is None:
            raise refuse("response_format.json_schema.schema is missing", "response_format")
    else:
        raise refuse(
            "response_format.type must be text, json_object or json_schema", "response_format"
        )
    if schema is not None and not isinstance(schema, dict):
        raise refuse("response_format: the schema must be an object", "response_format")
    if schema is None:
        return {"response_format": {"type": "json_object"}}
    return {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}


def prompt_of(payload: dict[str, Any]) -> str | list[int]:
    prompt = payload.get("prompt")
    if isinstance(prompt, str):
        if not prompt:
            raise refuse("prompt must not be empty", "prompt")
        return prompt
    if isinstance(prompt, list) and prompt and all(type(token) is int for token in prompt):
        return prompt
    raise refuse("prompt must be a text or a list of token ids", "prompt")


def inputs_of(payload: dict[str, Any]) -> list[str | list[int]]:
    inputs = payload.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise refuse("input must be a list with at least one text", "input")
    for number, value in enumerate(inputs):
        tokens = isinstance(value, list) and value and all(type(item) is int for item in value)
        if not tokens and not (isinstance(value, str) and value):
            raise refuse(f"input[{number}] must be a text or a list of ids, not empty", "input")
    return inputs

"""Rules over several fields, which the types of ``schema.py`` cannot say.

Every function raises a ``PlatformError`` that names a field, or returns nothing.
"""

from __future__ import annotations

from typing import Any, Final

from xplatform.core.errors import InvalidRequest, InvalidValue, MissingField, Unsupported

from .explain import shown
from .schema import (
    AssistantMessage,
    ChatRequest,
    CompletionRequest,
    DetokenizeRequest,
    EmbeddingRequest,
    Generation,
    JSONSchemaFormat,
    NamedTool,
    Request,
    TokenizeRequest,
    Tool,
)

#: levels of a JSON schema or of template variables; real ones stay below 20
MAX_DEPTH: Final = 64
MAX_INPUTS: Final = 2048
#: choices (prompts by n) of one completion request
MAX_CHOICES: Final = 1024


def check(request: Request) -> None:
    if isinstance(request, ChatRequest):
        _check_generation(request)
        _check_chat(request)
    elif isinstance(request, CompletionRequest):
        _check_generation(request)
        _check_completion(request)
    elif isinstance(request, EmbeddingRequest):
        check_texts(request.input, "input", empty_allowed=False)
    elif isinstance(request, TokenizeRequest):
        _check_tokenize(request)
    else:
        assert isinstance(request, DetokenizeRequest)  # nothing spans its fields


def _check_generation(request: Generation) -> None:
    if request.stream_options is not None and not request.stream:
        raise InvalidRequest(
            "'stream_options' is only allowed when 'stream' is true.", param="stream_options"
        )
    for key in request.logit_bias or ():
        # int() would also take '+1', ' 1' and '1_0', which no engine does
        if not (key.isascii() and key.isdecimal() and len(key) <= 10):
            raise InvalidValue(
                f"Invalid key in 'logit_bias': {shown(key)}."
                " Allowed: token ids, written as strings of digits.",
                param="logit_bias",
            )


# --- chat ------------------------------------------------------------------------------------


def _check_chat(request: ChatRequest) -> None:
    old, new = request.max_tokens, request.max_completion_tokens
    if old is not None and new is not None and old != new:
        raise InvalidRequest(
            f"'max_tokens' ({old}) and 'max_completion_tokens' ({new}) contradict each other;"
            " send one of them.",
            param="max_tokens",
        )
    if request.top_logprobs is not None and not request.logprobs:
        raise InvalidRequest(
            "'top_logprobs' is only allowed when 'logprobs' is true.", param="top_logprobs"
        )
    _check_tools(request)
    _check_continuation(request)
    if isinstance(request.response_format, JSONSchemaFormat):
        _check_free_form(
            request.response_format.json_schema.schema, "response_format.json_schema.schema"
        )
    kwargs = request.chat_template_kwargs
    if kwargs is not None:
        _check_free_form(kwargs, "chat_template_kwargs")
        said = kwargs.get("reasoning_effort")
        if request.reasoning_effort is not None and said not in (None, request.reasoning_effort):
            raise InvalidRequest(
                f"'reasoning_effort' ({request.reasoning_effort}) and"
                f" 'chat_template_kwargs.reasoning_effort' ({shown(said)}) contradict each other;"
                " send one of them.",
                param="reasoning_effort",
            )


def _check_tools(request: ChatRequest) -> None:
    names = _check_tool_list(request.tools)
    choice = request.tool_choice
    if choice is not None and not names and choice not in ("none", "auto"):
        raise InvalidRequest(
            "'tool_choice' is only allowed when 'tools' are given.", param="tool_choice"
        )
    if isinstance(choice, NamedTool) and choice.function.name not in names:
        raise InvalidValue(
            f"Invalid value for 'tool_choice.function.name': {shown(choice.function.name)}."
            f" Allowed: a name in 'tools', {shown(sorted(names))}.",
            param="tool_choice.function.name",
        )
    if request.parallel_tool_calls is not None and not names:
        raise InvalidRequest(
            "'parallel_tool_calls' is only allowed when 'tools' are given.",
            param="parallel_tool_calls",
        )


def _check_tool_list(tools: list[Tool] | None) -> set[str]:
    names: set[str] = set()
    for place, tool in enumerate(tools or ()):
        name = tool.function.name
        if name in names:
            raise InvalidValue(
                f"Invalid value for 'tools[{place}].function.name': {shown(name)} is taken by"
                " an earlier tool. Allowed: a name of its own for each tool.",
                param=f"tools[{place}].function.name",
            )
        names.add(name)
        if tool.function.parameters is not None:
            _check_free_form(tool.function.parameters, f"tools[{place}].function.parameters")
    return names


def wants_continuation(request: ChatRequest) -> bool:
    last = request.messages[-1]
    return bool(request.continue_final_message) or (
        isinstance(last, AssistantMessage) and bool(last.prefix)
    )


def _check_continuation(request: ChatRequest) -> None:
    place = len(request.messages) - 1
    for number, message in enumerate(request.messages[:-1]):
        if isinstance(message, AssistantMessage) and message.prefix:
            raise InvalidValue(
                f"Invalid value for 'messages[{number}].prefix': true."
                " Allowed: only on the last message.",
                param=f"messages[{number}].prefix",
            )
    if not wants_continuation(request):
        if request.add_generation_prompt is False:
            raise Unsupported(
                "add_generation_prompt", "", "It may be false only with continue_final_message."
            )
        return
    if request.add_generation_prompt:
        raise InvalidRequest(
            "'add_generation_prompt' and 'continue_final_message' exclude each other.",
            param="add_generation_prompt",
        )
    last = request.messages[-1]
    if not isinstance(last, AssistantMessage) or not last.content:
        raise InvalidRequest(
            "To continue, the last message must be the assistant's and have content.",
            param=f"messages[{place}]",
        )
    if last.tool_calls or last.reasoning_content or last.refusal:
        raise InvalidRequest(
            "The message to continue may have content only (no tool_calls, reasoning_content"
            " or refusal).",
            param=f"messages[{place}]",
        )
    if place == 0:
        raise InvalidRequest(
            "To continue, there must be a message before the assistant's.", param="messages"
        )


# --- the others ------------------------------------------------------------------------------


def _check_completion(request: CompletionRequest) -> None:
    prompts = check_texts(request.prompt, "prompt", empty_allowed=True)
    choices = prompts * (request.n or 1)
    if choices > MAX_CHOICES:
        raise InvalidValue(
            f"Invalid value for 'n': {prompts} prompts of {request.n or 1} choices each make"
            f" {choices} choices. Allowed: at most {MAX_CHOICES} in a request.",
            param="n" if (request.n or 1) > 1 else "prompt",
        )
    if request.best_of is not None and request.best_of != (request.n or 1):
        raise Unsupported("best_of", "", "It may only equal 'n'.")


def _check_tokenize(request: TokenizeRequest) -> None:
    if (request.prompt is None) == (request.messages is None):
        if request.prompt is None:
            raise MissingField(
                "Missing required parameter: 'prompt' (or 'messages').", param="prompt"
            )
        raise InvalidRequest("Send either 'prompt' or 'messages', not both.", param="messages")
    if request.messages is None:
        for name in ("tools", "chat_template_kwargs"):
            if getattr(request, name) is not None:
                raise InvalidRequest(f"'{name}' is only allowed with 'messages'.", param=name)
    _check_tool_list(request.tools)
    if request.chat_template_kwargs is not None:
        _check_free_form(request.chat_template_kwargs, "chat_template_kwargs")


def check_texts(value: Any, name: str, *, empty_allowed: bool) -> int:
    """How many texts ``value`` holds; all must be of one kind."""
    if isinstance(value, str):
        if not value and not empty_allowed:
            raise _empty_text(name)
        return 1
    kinds = {type(item) for item in value}
    if len(kinds) > 1:
        raise InvalidValue(
            f"Invalid value for '{name}': {shown(value)}. Allowed: a list of strings only,"
            " of token ids only, or of lists of token ids only.",
            param=name,
        )
    if kinds == {int}:
        return 1
    if len(value) > MAX_INPUTS:
        raise InvalidValue(
            f"Invalid value for '{name}': a list of {len(value)} items."
            f" Allowed: at most {MAX_INPUTS}.",
            param=name,
        )
    if not empty_allowed:
        for place, item in enumerate(value):
            if not item:
                raise _empty_text(f"{name}[{place}]")
    return len(value)


def _empty_text(name: str) -> InvalidValue:
    return InvalidValue(
        f"Invalid value for '{name}': \"\". Allowed: a non-empty string.", param=name
    )


def _check_free_form(value: Any, name: str) -> None:
    """Schemas and template variables travel to the engine as they are, in msgpack: integers
    must fit 64 bits there, and the depth must not exhaust anybody's stack."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, int) and not -(2**63) <= item < 2**64:
                raise InvalidValue(
                    f"Invalid value in '{name}': an integer of {item.bit_length()} bits."
                    " Allowed: integers of 64 bits.",
                    param=name,
                )
        if not below:
            return
        level = below
    raise InvalidValue(
        f"Invalid value for '{name}': it is nested deeper than {MAX_DEPTH} levels."
        f" Allowed: at most {MAX_DEPTH}.",
        param=name,
    )

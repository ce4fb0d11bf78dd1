"""From a chat's messages to the prompt a model was trained on, by its own template."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from .base import EngineFault

#: Parameters of the library's call that are no variables of a template. A template of the
#: caller's own is code: it could loop for ever.
_RESERVED = {
    "chat_template", "tools", "conversation", "tokenize", "return_tensors", "return_dict",
    "return_assistant_tokens_mask", "padding", "truncation", "max_length", "tokenizer_kwargs",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    text: str
    #: the answer may hold tool calls
    tools: bool
    #: the template lets the model think first; ``begun``: it opened the thought itself
    reasoning: bool
    reasoning_begun: bool


def render(tokenizer: Any, payload: dict[str, Any], engine: str) -> ChatPrompt:
    if payload.get("response_format") not in (None, {"type": "text"}):
        raise _unsupported("response_format", f"{engine} cannot force the form of an answer")
    tools = _wanted_tools(payload, engine)
    options = dict(payload.get("template_kwargs") or {})
    for name in _RESERVED & options.keys():
        raise EngineFault(
            "invalid", f"{name} is no variable of a chat template", param="chat_template_kwargs"
        )
    template = _template(tokenizer, tools, engine)
    messages = [_message(m, number, engine) for number, m in enumerate(payload["messages"])]
    options.setdefault("add_generation_prompt", not options.get("continue_final_message"))
    try:
        text = tokenizer.apply_chat_template(
            messages, tools=tools or None, tokenize=False, **options
        )
    except Exception as error:  # templates raise what they like
        raise EngineFault(
            "invalid",
            f"the model's chat template refused the messages: {error}",
            param="messages",
        ) from error
    return ChatPrompt(
        text=text,
        tools=bool(tools),
        reasoning="<think>" in template,
        reasoning_begun=text.rstrip().endswith("<think>"),
    )


def _unsupported(param: str, message: str) -> EngineFault:
    return EngineFault("unsupported", message, param=param)


def _wanted_tools(payload: dict[str, Any], engine: str) -> list[dict[str, Any]]:
    choice = payload.get("tool_choice")
    if choice == "none":
        return []
    if choice not in (None, "auto"):
        raise _unsupported("tool_choice", f"{engine} knows tool_choice auto and none, not {choice}")
    return list(payload.get("tools") or [])


def _template(tokenizer: Any, tools: list[dict[str, Any]], engine: str) -> str:
    try:
        template = str(tokenizer.get_chat_template(tools=tools or None))
    except ValueError as error:
        raise _unsupported(
            "messages", f"the model has no chat template, so {engine} can complete but not chat"
        ) from error
    if tools and "tools" not in template:
        raise _unsupported("tools", "the model's chat template does not know tools")
    return template


def _message(message: dict[str, Any], number: int, engine: str) -> dict[str, Any]:
    """OpenAI's form, in which content may be parts and arguments are text, to the templates'."""
    content = message.get("content")
    if isinstance(content, list):
        texts = []
        for part in content:
            if part.get("type") != "text":
                raise _unsupported(
                    "messages",
                    f"{engine} serves text only; message {number} holds {part.get('type')}",
                )
            texts.append(part["text"])
        content = "".join(texts)
    result = {**message, "content": "" if content is None else content}
    if message.get("tool_calls"):
        result["tool_calls"] = [_tool_call(call) for call in message["tool_calls"]]
    return result


def _tool_call(call: dict[str, Any]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        # Templates put them through tojson; a string would come out quoted twice.
        with contextlib.suppress(ValueError):
            function["arguments"] = json.loads(arguments)
    return {**call, "function": function}

"""What Xinference's users set at a launch beside the engine's own options, by our words.

There some fields mean the same for every engine, and each engine has its own name for two things
that every launch has here: the length of the context, and how many requests run at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec

from apps.models.api import LaunchOrder
from apps.models.xinference.names import engine_name
from xplatform.core.errors import InvalidValue, Unsupported
from xplatform.engines.options import OPTIONS

#: what these mean depends on the engine
BY_ENGINE = frozenset({"enable_thinking", "reasoning_content"})
_CONTEXT = ("n_ctx", "ctx_size", "max_model_len", "max_seq_len")
_SLOTS = ("n_parallel", "parallel", "max_num_seqs")


def fitted(order: LaunchOrder) -> LaunchOrder:
    """For an order whose engine is known. Raises InvalidValue and Unsupported."""
    known = {option.name for option in OPTIONS.get(order.engine, ())}
    options = dict(order.options)
    values: dict[str, Any] = {}
    for field, names in (("context_length", _CONTEXT), ("slots", _SLOTS)):
        for name in names:
            if name in options and name not in known:
                value = options.pop(name)
                if getattr(order, field) is None:
                    values[field] = _whole(name, value)
    if (thinking := options.pop("enable_thinking", None)) is not None:
        options |= _thinking(order.engine, known, thinking)
    if (split := options.pop("reasoning_content", None)) is not None and "reasoning" not in known:
        options |= _reasoning(order.engine, known, split)
    return msgspec.structs.replace(order, options=options, **values)


def check_options(engine: str, options: Mapping[str, Any]) -> None:
    """Before a model that runs is given others: an unknown or wrong one would end it. Raises
    InvalidValue with what there is."""
    known = {option.name: option for option in OPTIONS.get(engine, ())}
    for name, value in options.items():
        param = f"model_config.{name}"[:200]
        option = known.get(name)
        if option is None:
            close = difflib.get_close_matches(name[:100], known, n=3)
            hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise InvalidValue(
                f"`{param}`: engine {engine_name(engine)} has no such option.{hint}", param=param
            )
        if value is not None and (problem := option.problem(value)):
            raise InvalidValue(f"`{param}`: {problem}.", param=param)


def described(engine: str, kind: str) -> dict[str, dict[str, Any]]:
    """The engine's options by name, for a form."""
    types = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}
    return {
        option.name: {
            "type": types[option.type],
            "default": option.default,
            "description": option.help,
            **({"enum": list(option.choices)} if option.choices else {}),
            **({"minimum": option.least} if option.least is not None else {}),
        }
        for option in OPTIONS.get(engine, ())
        if option.fits(kind)
    }


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidValue(f"`{name}` is a number from 1 on, not {value!r}.", param=name)
    return value


def _thinking(engine: str, known: set[str], think: Any) -> dict[str, Any]:
    if not isinstance(think, bool):
        raise InvalidValue("`enable_thinking` is true or false.", param="enable_thinking")
    if "enable_reasoning" in known:
        return {"enable_reasoning": int(think)}
    if think:
        return {}  # what templates do by themselves
    raise Unsupported(
        "enable_thinking",
        engine,
        'Send `chat_template_kwargs: {"enable_thinking": false}` with the requests instead.',
    )


def _reasoning(engine: str, known: set[str], split: Any) -> dict[str, Any]:
    """Whether thinking comes apart from the answer, which it does here."""
    if not isinstance(split, bool):
        raise InvalidValue("`reasoning_content` is true or false.", param="reasoning_content")
    if split:
        return {}
    if "reasoning_format" in known:
        return {"reasoning_format": "none"}
    raise Unsupported("reasoning_content", engine, "Thinking comes apart from the answer here.")

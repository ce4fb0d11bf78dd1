"""Tables of the documentation that come from the program: ``python -m tests.docs.tables``."""

from __future__ import annotations

import importlib.util
from typing import Any

import msgspec

from xplatform.core.config import PREFIX, SECRET_SETTINGS, Settings
from xplatform.engines.registry import ENGINES, engine_class

#: field of a request, as docs/api.md names it → ability or parameter of an engine
GENERATION = {
    "`max_tokens`, `max_completion_tokens`": "max_tokens",
    "`temperature`": "temperature",
    "`top_p`": "top_p",
    "`top_k`": "top_k",
    "`min_p`": "min_p",
    "`frequency_penalty`": "frequency_penalty",
    "`presence_penalty`": "presence_penalty",
    "`repetition_penalty`": "repetition_penalty",
    "`seed`": "seed",
    "`stop`": "stop",
    "`logit_bias`": "logit_bias",
    "`logprobs`, `top_logprobs`": "logprobs",
    "`n`": "n",
    "`ignore_eos`": "ignore_eos",
    "`tools`": "tools",
    "`tool_choice`": "tool_choice",
    "`parallel_tool_calls`": "parallel_tool_calls",
    "`response_format` `json_object`": "json_object",
    "`response_format` `json_schema`": "json_schema",
    "`reasoning_effort`": "reasoning",
    "`chat_template_kwargs`": "chat_template_kwargs",
    "`continue_final_message`, `prefix`": "continuation",
    "`<uid>:<adapter>` as `model`": "adapters",
    "`image_url` parts": "vision",
    "`input_audio` parts": "audio",
    "`echo` (completions)": "echo",
    "`suffix` (completions)": "suffix",
}


def engines() -> list[str]:
    """Engines for people, whose adapter is there."""
    return [
        entry.name
        for entry in ENGINES.values()
        if entry.requirements is not None
        and importlib.util.find_spec(f"xplatform.engines.{entry.module}") is not None
    ]


def engine_table() -> str:
    """Which engine honours which field."""
    names = engines()
    lines = [row(["field", *names]), row(["---"] * (len(names) + 1))]
    for label, key in GENERATION.items():
        cells = []
        for name in names:
            can = engine_class(name).capabilities["llm"]
            cells.append("yes" if key in can.abilities or key in can.parameters else "–")
        lines.append(row([label, *cells]))
    return "\n".join(lines)


def unknown_capabilities() -> set[str]:
    """What an engine says it can and the table has no line for."""
    known = {*GENERATION.values(), "chat", "completion", "tokenize", "detokenize"}
    found: set[str] = set()
    for name in engines():
        can = engine_class(name).capabilities["llm"]
        found |= {*can.abilities, *can.parameters} - known
    return found


def setting_rows() -> dict[str, tuple[str, str, str]]:
    """Setting → its flag, variable and default, as the tables show them."""
    rows = {}
    for field in msgspec.structs.fields(Settings):
        flag = f"`--{field.name.replace('_', '-')}`"
        if field.name in SECRET_SETTINGS:
            flag = ""
        elif isinstance(field.default, bool):
            flag += f", `--no-{field.name.replace('_', '-')}`"
        variable = f"`{PREFIX}{field.name.upper()}`"
        rows[field.name] = (flag, variable, _default(field.default))
    return rows


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return "" if value == "" else f"`{value}`"


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def cells_of(line: str) -> list[str]:
    """Of a row of a Markdown table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


if __name__ == "__main__":
    print(engine_table(), end="\n\n")
    for name, shown in setting_rows().items():
        print(row([f"`{name}`", *shown, "…"]))

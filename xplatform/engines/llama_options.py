"""Launch options of the llama.cpp engine: from a user's words to ``CommonParams``.

Options go by llama.cpp's own names, with ``-`` or ``_``. Every scalar of ``CommonParams`` can be
set, but for those that the launch itself decides and those that would open files, ports or other
programs to whoever may launch a model.
"""

from __future__ import annotations

import difflib
import enum
import os
from pathlib import Path
from typing import Any, Final

from .base import EngineFault
from .options import LLAMA_CPP_ALIASES as ALIASES

#: decided by the launch, with what to use instead
DECIDED: Final = {
    "n_ctx": "the launch's context length",
    "ctx_size": "the launch's context length",
    "n_parallel": "the launch's slots",
    "parallel": "the launch's slots",
    "model": "the launch's model",
    "embedding": "the launch's kind",
    "cont_batching": "always on",
}

_CLOSED: Final = frozenset(
    "antiprompt control_vector_layer_end control_vector_layer_start port hostnames verbosity warmup"
    " use_jinja usage prompt prompt_file image in_files out_file media_path imat_dat log_json"
    " reuse_port sleep_idle_seconds special escape timeout_read timeout_write model_alias"
    " public_path slot_save_path hf_token offline no_alloc check path_prompt_cache n_threads_http"
    " sse_ping_interval is_gen_docs simple_io interactive multiline_input single_turn use_color"
    " enable_chat_template lora_init_without_apply winogrande hellaswag multiple_choice"
    " kl_divergence n_sequences n_predict n_keep n_print n_chunks verbose_prompt input_prefix"
    " input_suffix input_prefix_bos display_prompt endpoint_slots endpoint_props endpoint_metrics"
    " logits_file logits_output_dir system_prompt".split()
)
_CLOSED_PREFIXES: Final = (
    "_",
    "api_",
    "cors_",
    "embd_",
    "fit_params_print",
    "mcp_",
    "models_",
    "model_",
    "path_",
    "server_",
    "ssl_",
    "tokenize_",
    "tts_",
    "ui",
    "video_",
    "imat",
    "hellaswag_",
    "winogrande_",
    "multiple_choice_",
    "n_pca_",
    "prompt_cache_",
    "is_",
    "ppl_",
    "i_",
    "n_out_",
    "n_save_",
    "n_junk",
    "chunk_",
    "compute_",
    "activation_",
    "show_",
    "process_",
    "save_",
)
#: llama.cpp ends the process over other types.
_CACHE_TYPES: Final = "f32 f16 bf16 q8_0 q4_0 q4_1 iq4_nl q5_0 q5_1".split()
#: not plain attributes of ``CommonParams``
_SPECIAL: Final = ("n_threads", "n_threads_batch", "mmproj")


def option_names(params: Any) -> list[str]:
    """What a user may set, for messages and documentation."""
    names = list(_SPECIAL)
    for name in dir(params):
        if name in _CLOSED or name in DECIDED or name.startswith(_CLOSED_PREFIXES):
            continue
        if isinstance(getattr(params, name), bool | int | float | str | enum.Enum):
            names.append(name)
    return sorted(names)


def apply_options(params: Any, options: dict[str, Any]) -> None:
    """Set what the user asked for; raise ``EngineFault`` for what does not exist or fit."""
    allowed = option_names(params)
    for given, value in options.items():
        name = given.replace("-", "_")
        name = ALIASES.get(name, name)
        if name in DECIDED:
            raise EngineFault(
                "invalid", f"llama.cpp option {given!r}: use {DECIDED[name]} instead", param=given
            )
        if name not in allowed:
            raise EngineFault(
                "invalid", unknown_option("llama.cpp", given, name, allowed), param=given
            )
        try:
            _set(params, name, value)
        except (TypeError, ValueError, OverflowError) as error:
            raise EngineFault(
                "invalid", f"llama.cpp option {given!r}: {error}", param=given
            ) from error


def _set(params: Any, name: str, value: Any) -> None:
    if name == "n_threads":
        params.cpuparams.n_threads = _whole(value, 1, 512)
    elif name == "n_threads_batch":
        params.cpuparams_batch.n_threads = _whole(value, 1, 512)
    elif name == "mmproj":
        if not isinstance(value, str) or not Path(value).is_file():
            raise ValueError(f"{value!r} is not a file")
        params.mmproj.path = value
    elif name in ("cache_type_k", "cache_type_v") and value not in _CACHE_TYPES:
        raise ValueError(f"expects one of {', '.join(_CACHE_TYPES)}, not {value!r}")
    else:
        setattr(params, name, fitting(getattr(params, name), value))


def fitting(now: Any, value: Any) -> Any:
    """``value`` in the type that the option has now, or an error that names the type."""
    if isinstance(now, enum.Enum):
        return _member(type(now), value)
    if isinstance(now, bool):
        if not isinstance(value, bool):
            raise TypeError(f"expects true or false, not {value!r}")
        return value
    if isinstance(now, int):
        return _whole(value, -(2**31), 2**31 - 1)
    if isinstance(now, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"expects a number, not {value!r}")
        return float(value)
    if not isinstance(value, str):
        raise TypeError(f"expects a text, not {value!r}")
    return value


def _whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expects a whole number, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"must be between {low} and {high}, not {value}")
    return value


def _member(kind: type[enum.Enum], value: Any) -> enum.Enum:
    """Members are called GGML_TYPE_Q8_0 and the like; people write q8_0, and on or true."""
    names = list(kind.__members__)
    prefix = names[0]
    while not all(name.startswith(prefix) for name in names):
        prefix = prefix[: prefix.rstrip("_").rfind("_") + 1]
    words = {name.removeprefix(prefix).lower(): kind[name] for name in names}
    words.pop("count", None)
    if isinstance(value, bool):
        value = ("enabled" if "enabled" in words else "on") if value else "disabled"
    if isinstance(value, str):
        word = value.lower()
        word = {"on": "enabled", "off": "disabled"}.get(word, word) if word not in words else word
        if word in words:
            return words[word]
        if value.upper() in kind.__members__:
            return kind.__members__[value.upper()]
    elif isinstance(value, int) and value in [member.value for member in words.values()]:
        return kind(value)
    raise ValueError(f"expects one of {', '.join(words)}, not {value!r}")


def unknown_option(engine: str, given: str, name: str, allowed: list[str]) -> str:
    close = difflib.get_close_matches(name, [*allowed, *ALIASES], n=4, cutoff=0.5)
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    return f"{engine} has no option {given!r}{hint}"


# --- defaults that depend on the machine -----------------------------------------------------


def usable_cores() -> int:
    """Physical cores this process may run on, within the container's share of them."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # macOS
        return max(1, os.cpu_count() or 1)
    cores = set()
    for cpu in allowed:
        topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        try:
            package = (topology / "physical_package_id").read_text().strip()
            cores.add((package, (topology / "core_id").read_text().strip()))
        except OSError:
            cores.add((str(cpu), ""))
    return max(1, min(len(cores), _container_share()))


def default_threads() -> int:
    """One core is left to the rest: llama.cpp's threads wait for each other by spinning, so that
    one of them that shares its core slows all of them, to a tenth on two busy cores."""
    return max(1, usable_cores() - 1)


def _container_share() -> int:
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()[:2]
        return max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):
        return 1 << 16

"""Getting a model of the hub's format from a folder into memory, and saying clearly why not."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .base import EngineFault
from .protocol import Capabilities
from .transformers_batch import CacheSize
from .transformers_options import Options

#: stage, fraction of the whole load, message for people
Report = Callable[[str, float, str], None]

_WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin", "*.bin.index.json")
#: below this many parameters, threads cost more than they bring
_SMALL_MODEL = 50_000_000
#: the largest cache that is taken without being asked for, as a part of what is free
CACHE_SHARE = {"cpu": 0.4, "cuda": 0.8, "mps": 0.4}


def check_folder(path: str, *markers: str) -> Path:
    """``markers``: files of which one must be there."""
    folder = Path(path)
    if not folder.exists():
        raise EngineFault("invalid", f"the model folder {path} does not exist")
    if not folder.is_dir():
        raise EngineFault("invalid", f"{path} is a file; transformers needs a model's folder")
    if not any((folder / marker).is_file() for marker in markers):
        missing = " and ".join(markers)
        raise EngineFault("invalid", f"{path} is not a model folder: {missing} is missing")
    return folder


def check_weights(folder: Path) -> None:
    if not any(next(folder.glob(pattern), None) for pattern in _WEIGHTS):
        raise EngineFault(
            "invalid",
            f"{folder} has no weights: model.safetensors (or its index, or pytorch_model.bin)"
            " is missing",
        )


def prepare_process() -> None:
    """What must be in the environment before torch is imported."""
    # Waiting threads that spin take the core from those that work: steps were 5 to 8 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    # A page of sizes at every start.
    logging.getLogger("ContinuousBatchingLogger").setLevel(logging.WARNING)


def pick_device(options: Options) -> str:
    import torch

    if options.device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=options.device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise EngineFault(
            "invalid", f"device {options.device} cannot be used: {reason}", param="device"
        ) from error
    return options.device


def pick_dtype(options: Options, device: str, saved: Any) -> Any:
    import torch

    if options.dtype != "auto":
        return getattr(torch, options.dtype)
    if device == "cpu" and saved in (None, torch.float16, torch.bfloat16):
        return torch.float32  # half precision is emulated on most CPUs, and slower
    return saved or torch.float32


def set_threads(options: Options, parameters: int) -> int:
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = options.threads or (1 if parameters < _SMALL_MODEL else cores or 1)
    torch.set_num_threads(threads)
    return threads


@contextmanager
def clear_faults(folder: Path) -> Iterator[None]:
    """Turn what the libraries raise while loading into faults that say what to do."""
    try:
        yield
    except EngineFault:
        raise
    except Exception as error:
        raise _fault(folder, error) from error


def _fault(folder: Path, error: Exception) -> EngineFault:
    text = str(error).strip() or type(error).__name__
    first = text.splitlines()[0]
    low = text.lower()
    if is_out_of_memory(error):
        return EngineFault("engine", f"out of memory while loading {folder.name}: {first}")
    if "trust_remote_code" in low:
        return EngineFault(
            "unsupported",
            f"{folder.name} comes with code of its own; it is run only with the option"
            " trust_remote_code",
            param="trust_remote_code",
        )
    if "does not recognize this architecture" in low or "unrecognized configuration class" in low:
        return EngineFault(
            "unsupported", f"transformers cannot run {folder.name} as this kind of model: {first}"
        )
    if "unrecognized model" in low or "model_type" in low:
        return EngineFault(
            "unsupported", f"config.json of {folder.name} names no architecture that is known"
        )
    if isinstance(error, (OSError, ValueError, ImportError)):
        return EngineFault("invalid", f"{folder.name} cannot be loaded: {first}")
    return EngineFault("engine", f"{type(error).__name__} while loading {folder.name}: {first}")


def is_out_of_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in text
        or "can't allocate memory" in text
    )


@contextmanager
def weights_progress(report: Report, start: float, end: float) -> Iterator[None]:
    """Report the library's own progress bar of the weights as a part of the whole load."""
    from transformers.utils import logging as library

    class Bar:
        def __init__(self, items: Any = None, total: int | None = None) -> None:
            self._items = items
            self._total = total or (len(items) if hasattr(items, "__len__") else 0)
            self._count = 0
            self._told = 0.0  # when

        def __iter__(self) -> Iterator[Any]:
            for item in self._items:
                yield item
                self.update()

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, n: int = 1) -> None:
            self._count += n
            share = min(self._count / self._total, 1.0) if self._total else 0.0
            now = time.monotonic()
            if now - self._told >= 0.2 or share == 1.0:
                self._told = now
                report("weights", start + (end - start) * share, f"{share:.0%}")

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *_, **__: None  # set_description, set_postfix, close, …

    def hook(factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return Bar(args[0] if args else kwargs.get("iterable"), kwargs.get("total"))

    previous = library.set_tqdm_hook(hook)
    try:
        yield
    finally:
        library.set_tqdm_hook(previous)


def load_causal(folder: Path, options: Options, report: Report) -> tuple[Any, Any, str]:
    """Returns (model, tokenizer, device)."""
    check_weights(folder)
    report("libraries", 0.02, "importing torch and transformers")
    prepare_process()
    with clear_faults(folder):
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

        # Said in any case: told nothing, the library asks on the terminal.
        remote = {"trust_remote_code": options.trust_remote_code}
        config = AutoConfig.from_pretrained(folder, **remote)
        report("tokenizer", 0.10, "reading the tokenizer")
        tokenizer = AutoTokenizer.from_pretrained(folder, **remote)
        device = pick_device(options)
        extra: dict[str, Any] = dict(remote)
        if options.attn_implementation is not None:
            extra["attn_implementation"] = options.attn_implementation
        report("weights", 0.15, "reading the weights")
        with weights_progress(report, 0.15, 0.90):
            model = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=pick_dtype(options, device, getattr(config, "dtype", None)),
                device_map={"": device} if device != "cpu" else None,
                **extra,
            ).eval()
    return model, tokenizer, device


def own_defaults(folder: Path) -> dict[str, float]:
    """Sampling parameters that the model's makers recommend, as they wrote them down.

    Read from the file: the library fills in defaults of its own (top_k 50), which would silently
    narrow every request that says nothing.
    """
    try:
        data = json.loads((folder / "generation_config.json").read_text())
    except (OSError, ValueError):
        return {}
    names = ["repetition_penalty"]
    if data.get("do_sample", True):
        names += ["temperature", "top_p", "top_k", "min_p"]
    return {name: float(data[name]) for name in names if isinstance(data.get(name), int | float)}


def context_length(model: Any, tokenizer: Any, wanted: int | None) -> int:
    config = model.config.get_text_config()
    own = next(
        (
            value
            for name in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
            if isinstance(value := getattr(config, name, None), int) and value > 0
        ),
        None,
    )
    if own is None:
        limit = getattr(tokenizer, "model_max_length", None)
        # The library writes "very large" for "not said".
        own = limit if isinstance(limit, int) and limit < 10**7 else None
    if wanted is not None and own is not None and wanted > own:
        raise EngineFault(
            "invalid",
            f"context_length {wanted} is more than the {own} tokens the model was made for",
            param="context_length",
        )
    return wanted or own or 4096


def batch_tokens(device: str) -> int:
    """Tokens a step may compute, if nobody says. The memory estimate asks it, too."""
    return 256 if device == "cpu" else 1024


def cache_size(
    model: Any, device: str, slots: int, context: int, asked: int | None, options: Options
) -> tuple[CacheSize, int]:
    """The cache for all slots, or as much of it as memory allows. Returns (size, context).

    ``asked`` is the context length the user insists on. Requests beyond the cache wait or are
    computed again, so a smaller one than slots times context is slower, not wrong; but one request
    must always fit.
    """
    page, batch = options.page_size, options.max_batch_tokens or batch_tokens(device)
    blocks = slots * -(-(context + 1) // page)
    if options.num_blocks is not None:
        blocks = options.num_blocks
        if blocks * page < context + 1 and asked is not None:
            raise EngineFault(
                "invalid",
                f"num_blocks {blocks} of {page} tokens hold less than one context of {context}",
                param="num_blocks",
            )
    else:
        per_token = _bytes_per_token(model) + batch * model.dtype.itemsize  # cache and mask
        room = int(_free_memory(device) * CACHE_SHARE.get(device.partition(":")[0], 0.4))
        most = max(room // (per_token * page), 0)
        if most * page < min(context + 1, 2 * page) or (asked and most * page < asked + 1):
            raise EngineFault(
                "engine",
                f"out of memory: a context of {context} tokens needs"
                f" {context * per_token / 2**30:.1f} GiB of cache, {room / 2**30:.1f} GiB are free;"
                " set a smaller context_length",
            )
        blocks = min(blocks, most)
    return CacheSize(blocks, page, batch), min(context, blocks * page - 1)


def _bytes_per_token(model: Any) -> int:
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    # keys and values in the cache, and their copy for all heads while a layer computes
    copies = 2 * config.num_attention_heads * size * model.dtype.itemsize
    return int(config.num_hidden_layers * 2 * heads * size * model.dtype.itemsize + copies)


def _free_memory(device: str) -> int:
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        import psutil

        return int(psutil.virtual_memory().available)
    except ImportError:
        return 4 * 2**30


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """All that end an answer: the lists of the model and of its tokenizer often differ."""
    found: set[int] = set()
    for source in (model.generation_config, model.config.get_text_config(), tokenizer):
        value = getattr(source, "eos_token_id", None)
        if isinstance(value, int):
            found.add(value)
        elif isinstance(value, list | tuple):
            found.update(value)
    return frozenset(token for token in found if token >= 0)


def chat_template(tokenizer: Any) -> str:
    template = getattr(tokenizer, "chat_template", None)
    if isinstance(template, dict):
        return "\n".join(str(value) for value in template.values())
    return template or ""


def capabilities(full: Capabilities, template: str) -> Capabilities:
    """What is left for a model with this chat template."""
    missing: set[str] = set()
    if not template:
        missing |= {"chat", "chat_template_kwargs"}
    if "tools" not in template:
        missing |= {"tools", "tool_choice", "parallel_tool_calls"}
    if "<think>" not in template:
        missing.add("reasoning")
    return Capabilities(
        tuple(name for name in full.abilities if name not in missing),
        tuple(name for name in full.parameters if name not in missing),
    )

"""What may be set at a launch, engine by engine: names, types, defaults and help.

One truth for people and for adapters: commands and the console print it, and what an adapter
accepts is checked against it by tests (llama.cpp's own long list) or read from it
(transformers, fake). Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Value = bool | int | float | str | None

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
}


@dataclass(frozen=True, slots=True)
class Option:
    name: str
    #: bool, int, float, str
    type: str
    #: None: decided by model and machine
    default: Value
    help: str
    choices: tuple[str, ...] = ()
    #: kinds of model it is for; empty: all
    kinds: tuple[str, ...] = ()
    least: int | None = None
    #: opens a file or runs code of the caller's choice: not for everybody who may launch
    risky: bool = False
    #: of a text: only these are harmless
    harmless: tuple[str, ...] = ()

    def fits(self, kind: str) -> bool:
        return not kind or not self.kinds or kind in self.kinds

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, or None."""
        # bool is an int in Python, but num_blocks=True is a mistake
        given = type(value)
        if (given is bool) != (self.type == "bool") or not issubclass(given, _TYPES[self.type]):
            return f"option {self.name} must be {self.type}, not {value!r}"
        if self.least is not None and value < self.least:
            return f"option {self.name} must be at least {self.least}, not {value}"
        if self.choices and value not in self.choices:
            return f"option {self.name} must be one of {', '.join(self.choices)}, not {value!r}"
        return None


_TEXT, _VECTOR = ("llm",), ("embedding",)

TRANSFORMERS: Final = (
    Option("dtype", "str", "auto",
           "type of weights and cache; auto: as saved, on a processor float32",
           ("auto", "float32", "float16", "bfloat16")),
    Option("device", "str", "auto", "cpu, cuda, cuda:1, mps; auto: the best there is"),
    # Any other name is that of a repository with a kernel, whose code would run.
    Option("attn_implementation", "str", None, "sdpa, eager, flash_attention_2, …",
           harmless=("sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex_attention")),
    Option("trust_remote_code", "bool", False, "run code that comes with the model", risky=True),
    Option("threads", "int", None, "threads of the processor; one for small models, else all cores",
           least=1),
    Option("batching", "str", "auto", "many requests in one batch, or one at a time",
           ("auto", "continuous", "single"), _TEXT),
    Option("num_blocks", "int", None, "pages of the cache; enough for all slots, as memory allows",
           (), _TEXT, 1),
    Option("page_size", "int", 32, "tokens in a page of the cache", (), _TEXT, 1),
    Option("max_batch_tokens", "int", None, "tokens that one step computes; 256 on a processor,"
           " else 1024", (), _TEXT, 1),
    Option("max_batch_texts", "int", 64, "texts in one forward pass", (), _VECTOR, 1),
    Option("truncate", "bool", False, "cut long texts instead of refusing them", (), _VECTOR),
)  # fmt: skip

FAKE: Final = (
    Option("step_ms", "float", 10.0, "milliseconds a token"),
    Option("prefill_ms", "float", 0.0, "milliseconds before the first token"),
    Option("load_s", "float", 0.0, "seconds that loading takes"),
    Option("memory_mb", "int", 0, "memory to take"),
    Option("die_in_load", "int", 0, "exit with this code while loading"),
    Option("die_at_token", "int", 0, "exit hard when a request reaches this token"),
    Option(
        "once_file",
        "str",
        "",
        "… only in the first process that finds this file missing",
        risky=True,
    ),
    Option("hang_at_token", "int", 0, "stop making steps at this token"),
    Option("garbage_at_token", "int", 0, "send bytes that are no message at this token"),
    Option("out_of_memory", "bool", False, "claim to be out of memory while loading"),
    Option("max_prompt_chars", "int", 100_000, "longest prompt"),
    Option("mute_after_jobs", "int", 0, "after so many jobs pulses go on, but no job is answered"),
    Option("adapters_at_start", "bool", False, "take adapters only while starting"),
)

_CACHE_TYPES: Final = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")

#: Names are those of ``CommonParams``; ``llama_options.ALIASES`` has what people also write.
#: A default of None is decided by the adapter, from model, machine and launch.
LLAMA_CPP: Final = (
    # memory and devices
    Option("n_gpu_layers", "int", -1, "layers on the accelerator; -1: all that fit"),
    Option("main_gpu", "int", 0, "the accelerator for what is not split"),
    Option("split_mode", "str", "layer", "how a model is spread over several accelerators",
           ("none", "layer", "row", "tensor")),
    Option("tensor_buft_overrides", "str", "", "pattern=buffer,…: where certain tensors lie"),
    Option("no_kv_offload", "bool", False, "keep the cache in the machine's memory"),
    Option("no_op_offload", "bool", False, "leave all work on weights in memory to the processor"),
    Option("no_host", "bool", False, "do without page-locked memory"),
    Option("no_extra_bufts", "bool", False, "do not repack weights for the processor"),
    Option("moe_cache_size", "int", 0, "experts of a mixture kept on the accelerator; 0: none"),
    Option("cache_type_k", "str", "f16", "type of keys in the cache", _CACHE_TYPES),
    Option("cache_type_v", "str", "f16", "type of values in the cache", _CACHE_TYPES),
    Option("swa_full", "bool", False, "all tokens also in layers that need the last ones only"),
    Option("kv_unified", "bool", False, "one cache that all slots share"),
    Option("kv_unified_per_slot", "int", 0, "tokens a slot may take of a shared cache; 0: all"),
    Option("cache_ram_mib", "int", None, "memory for old prompts, in MiB; 512, -1: no limit"),
    Option("n_ctx_checkpoints", "int", 32, "states kept a slot, to go back to without computing"),
    Option("checkpoint_min_step", "int", 8192, "tokens between two of them"),
    Option("load_mode", "str", "auto", "how weights come into memory",
           ("auto", "none", "mmap", "mlock", "mmap_mlock", "direct_io")),
    Option("lazy_mode", "str", "auto", "read weights when they are first needed",
           ("off", "auto", "on")),
    Option("fit_params", "bool", True, "put fewer layers on an accelerator that is too small"),
    Option("fit_params_min_ctx", "int", 4096, "… but never make the context shorter than this"),
    Option("check_tensors", "bool", False, "look for damaged weights while loading"),
    Option("numa", "str", "disabled", "for machines with several memories",
           ("disabled", "distribute", "isolate", "numactl", "mirror")),
    # speed
    Option("n_threads", "int", None, "threads of the processor; all cores but one", least=1),
    Option("n_threads_batch", "int", None, "the same for prompts", least=1),
    Option("n_batch", "int", None, "tokens of prompts taken at once; by the machine's speed"),
    Option("n_ubatch", "int", None, "tokens computed at once"),
    Option("flash_attn_type", "str", "auto", "flash attention", ("auto", "disabled", "enabled")),
    Option("cache_prompt", "bool", True, "compute only what a prompt has new"),
    Option("cache_idle_slots", "bool", True, "keep the prompt of a slot that is given away"),
    Option("n_cache_reuse", "int", 0, "least tokens to reuse by shifting; 0: off"),
    Option("slot_prompt_similarity", "float", 0.1, "how alike a prompt must be to get its slot"),
    Option("ctx_shift", "bool", False, "forget the oldest tokens when the context is full"),
    Option("n_outputs_max", "int", 0, "results computed a batch; 0: as needed"),
    Option("n_outputs_max_per_seq", "int", 1, "… of one request"),
    Option("no_perf", "bool", False, "measure no times"),
    Option("load_mtp", "bool", False, "load the layers that predict several tokens"),
    # text
    Option("chat_template", "str", "", "Jinja, in place of the model's own"),
    Option("reasoning_format", "str", "deepseek", "how thinking is told apart",
           ("none", "auto", "deepseek_legacy", "deepseek")),
    Option("enable_reasoning", "int", -1, "1: think, 0: do not, -1: as the template says"),
    Option("preserve_reasoning_specified", "bool", False, "keep the thinking of earlier answers"),
    Option("prefill_assistant", "bool", True, "go on with a last message of the assistant"),
    Option("force_pure_content_parser", "bool", False, "take the answer as it is, with all marks"),
    Option("parse_special", "bool", False, "special tokens in a text count as such"),
    Option("cls_sep", "str", "\t", "what stands between the two texts of a classification"),
    # shape
    Option("pooling_type", "str", None, "how an embedding is made of its tokens; mean, if the"
           " model does not say", ("unspecified", "none", "mean", "cls", "last", "rank")),
    Option("attention_type", "str", "unspecified", "which tokens see which",
           ("unspecified", "causal", "non_causal")),
    Option("rope_scaling_type", "str", "unspecified", "how the context is stretched",
           ("unspecified", "none", "linear", "yarn", "longrope", "max_value")),
    Option("rope_freq_base", "float", 0.0, "0: as the model says"),
    Option("rope_freq_scale", "float", 0.0, "0: as the model says"),
    Option("yarn_ext_factor", "float", -1.0, "YaRN: share of extrapolation; negative: the model's"),
    Option("yarn_attn_factor", "float", -1.0, "YaRN: scale of attention"),
    Option("yarn_beta_fast", "float", -1.0, "YaRN: correction of low dimensions"),
    Option("yarn_beta_slow", "float", -1.0, "YaRN: correction of high dimensions"),
    Option("yarn_orig_ctx", "int", 0, "YaRN: context of the training; 0: the model's"),
    Option("grp_attn_n", "int", 1, "self-extension: factor of a group"),
    Option("grp_attn_w", "int", 512, "self-extension: width of a group"),
    # pictures and sound
    Option("mmproj", "str", None, "file of the projector", kinds=_TEXT, risky=True),
    Option("mmproj_use_gpu", "bool", True, "the projector on the accelerator", kinds=_TEXT),
    Option("mmproj_device", "str", "", "… on which", kinds=_TEXT),
    Option("no_mmproj", "bool", False, "do without a projector", kinds=_TEXT),
    Option("image_min_tokens", "int", -1, "least tokens a picture; -1: the model's", kinds=_TEXT),
    Option("image_max_tokens", "int", -1, "most tokens a picture; -1: the model's", kinds=_TEXT),
    Option("mtmd_batch_max_tokens", "int", 1024, "picture tokens computed at once", kinds=_TEXT),
)  # fmt: skip

#: how people know these options from llama.cpp's command line
LLAMA_CPP_ALIASES: Final = {
    "threads": "n_threads",
    "threads_batch": "n_threads_batch",
    "batch_size": "n_batch",
    "ubatch_size": "n_ubatch",
    "gpu_layers": "n_gpu_layers",
    "ngl": "n_gpu_layers",
    "flash_attn": "flash_attn_type",
    "rope_scaling": "rope_scaling_type",
    "pooling": "pooling_type",
    "cache_ram": "cache_ram_mib",
}

LLAMA_CPP_PYTHON: Final = (
    Option("n_gpu_layers", "int", 0, "layers on the accelerator; -1: all"),
    Option("split_mode", "int", 1, "0 none, 1 by layer, 2 by row"),
    Option("main_gpu", "int", 0, "the accelerator for what is not split"),
    Option("use_mmap", "bool", True, "map the file instead of reading it"),
    Option("use_mlock", "bool", False, "keep the weights in memory"),
    Option("n_batch", "int", 512, "tokens of a prompt taken at once"),
    Option("n_ubatch", "int", 512, "tokens computed at once"),
    Option("n_threads", "int", None, "threads of the processor; all cores but one"),
    Option("n_threads_batch", "int", None, "the same for prompts"),
    Option("rope_scaling_type", "int", -1, "-1: the model's"),
    Option("pooling_type", "int", -1, "-1: the model's; mean for embeddings without one"),
    Option("attention_type", "int", -1, "-1: the model's"),
    Option("rope_freq_base", "float", 0.0, "0: the model's"),
    Option("rope_freq_scale", "float", 0.0, "0: the model's"),
    Option("yarn_ext_factor", "float", -1.0, "negative: the model's"),
    Option("yarn_attn_factor", "float", 1.0, "scale of attention"),
    Option("yarn_beta_fast", "float", 32.0, "correction of low dimensions"),
    Option("yarn_beta_slow", "float", 1.0, "correction of high dimensions"),
    Option("yarn_orig_ctx", "int", 0, "context of the training; 0: the model's"),
    Option("offload_kqv", "bool", True, "the cache on the accelerator"),
    Option("flash_attn", "bool", False, "flash attention"),
    Option("op_offload", "bool", None, "operations on weights in memory by the accelerator"),
    Option("swa_full", "bool", None, "keep all tokens also in layers that need the last ones only"),
    Option("no_perf", "bool", False, "measure no times"),
    Option("last_n_tokens_size", "int", 64, "tokens that penalties look at"),
    Option("numa", "bool", False, "for machines with several memories"),
    Option("type_k", "str", "f16", "type of keys in the cache", _CACHE_TYPES),
    Option("type_v", "str", "f16", "type of values in the cache", _CACHE_TYPES),
)  # fmt: skip

OPTIONS: Final[dict[str, tuple[Option, ...]]] = {
    "llama.cpp": LLAMA_CPP,
    "llama-cpp-python": LLAMA_CPP_PYTHON,
    "transformers": TRANSFORMERS,
    "fake": FAKE,
}


def wrong_value(engine: str, name: str, value: Any) -> str | None:
    """What no engine would take, said before one is started; of what is listed here alone. None as
    a value is the engine's to judge, and so are choices that have further spellings there."""
    for option in _called(engine, name):
        spelled = option.choices and engine == "llama.cpp"
        if value is not None and not spelled and (problem := option.problem(value)):
            return problem
    return None


def _called(engine: str, name: str) -> list[Option]:
    """``engine`` empty: of any of them."""
    known = OPTIONS.get(engine, ()) if engine else _EVERY
    # llama.cpp's are also written as on its command line.
    wanted = name.replace("-", "_")
    wanted = LLAMA_CPP_ALIASES.get(wanted, wanted) if engine in ("", "llama.cpp") else wanted
    return [option for option in known if option.name == wanted]


def is_ordinary(engine: str, name: str, value: Any) -> bool:
    """Whether everybody who may launch may set it so: it is listed here, and opens no file and
    runs no code. ``engine`` empty: for any of them."""
    found = _called(engine, name)
    return bool(found) and not any(
        option.risky or (option.harmless and value not in (None, *option.harmless))
        for option in found
    )


_EVERY: Final = tuple(option for options in OPTIONS.values() for option in options)

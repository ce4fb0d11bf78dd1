"""Facts of a folder in the hub's own form: ``config.json`` and what lies beside it."""

from __future__ import annotations

from typing import Any, Final

from apps.models.facts import safetensors, sentence, template
from apps.models.facts.config_shape import read_shape, text_part
from apps.models.facts.facts import Facts
from apps.models.facts.quantization import bits_per_weight
from apps.models.facts.repository import Files

_AUDIO: Final = (
    "SpeechSeq2Seq", "WhisperFor", "ForCTC", "TextToWaveform", "TextToSpeech", "TextToSpectrogram",
    "VitsModel", "SpeechT5", "MusicgenFor", "MusicgenMelody", "BarkModel", "KokoroModel",
    "ForAudio", "ParlerTTS", "DacModel", "CsmFor", "DiaFor", "SenseVoice", "Moonshine",
    "VoxtralFor", "VibeVoice", "Chatterbox", "XcodecModel",
)  # fmt: skip
_GENERATES: Final = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
#: encoder-decoders for text: no engine here serves them as chat models
_SEQ2SEQ: Final = frozenset("t5 mt5 bart mbart pegasus marian m2m_100 umt5 longt5 led".split())
_ENCODERS: Final = (
    "bert", "mpnet", "electra", "albert", "xlnet", "deberta", "nomic", "gte", "new", "luke",
    "ernie", "eurobert", "xlm", "distilbert", "roberta", "camembert", "clip", "siglip",
)  # fmt: skip
_PARTS: Final = {
    "vision": ("vision_config", "visual", "vision_tower", "vit_config", "vision_model_config",
               "mm_vision_tower", "image_token_id", "image_token_index"),
    "audio": ("audio_config", "audio_encoder_config", "audio_token_id", "audio_token_index"),
    "video": ("video_token_id", "video_token_index"),
}  # fmt: skip
_FORMAT_OF_METHOD: Final = {
    "gptq": "gptq", "awq": "awq", "bitsandbytes": "bnb", "fp8": "fp8", "fbgemm_fp8": "fp8",
    "mxfp4": "fp4", "auto-round": "gptq", "intel/auto-round": "gptq",
}  # fmt: skip


def read_pretrained(files: Files) -> Facts:
    folder = "" if "config.json" in files else sentence.transformer_folder(files)
    config = files.object(f"{folder}/config.json" if folder else "config.json")
    text = text_part(config)
    classes = config.get("architectures") or text.get("architectures") or []
    architecture = str(classes[0]) if isinstance(classes, list) and classes else ""
    family = str(config.get("model_type") or text.get("model_type") or "")
    form, quantization, bits = quantization_of(files, config)
    weights = safetensors.weights_of(files, folder)
    weight_bytes = sum(files.sizes[path] for path in weights) or None
    parameters, stored = safetensors.parameters_of(files, weights, bits)
    dtype = stored or _dtype(config, text)
    if parameters is None and weight_bytes is not None:
        parameters = int(weight_bytes * 8 / (bits or _width(dtype)))
    if bits is None:
        bits = float(_width(dtype))
    elif parameters and weight_bytes:
        bits = round(weight_bytes * 8 / parameters, 2)
    kind = _kind(files, config, architecture, family)
    shape = read_shape(config)
    own_template, source = template.find_template(files) if kind == "llm" else ("", "")
    parts = tuple(part for part, marks in _PARTS.items() if any(mark in config for mark in marks))
    generation = files.object("generation_config.json")
    encodes = sentence.read_sentence(files, shape) if kind in ("embedding", "rerank") else {}
    context = encodes.pop("context_length", None) or shape.pop("context_length", None)
    shape.pop("context_length", None)
    if kind in ("embedding", "rerank") and _GENERATES[0] not in architecture:
        shape.update(cache_values=0, window_values=0)
    missing = [] if kind else ["kind"]
    if context is None and kind in ("llm", "embedding", "rerank", ""):
        missing.append("context_length")
    if weight_bytes is None:
        missing.append("weight_bytes")
    return Facts(
        name=files.name,
        kind=kind,
        family=family,
        architecture=architecture,
        format=form,
        quantization=quantization,
        bits=bits,
        dtype=dtype,
        parameters=parameters,
        weight_bytes=weight_bytes,
        largest_file=max((files.sizes[path] for path in weights), default=None),
        context_length=context,
        template_source=source,
        stop=_stop(files),
        stop_token_ids=_ids(generation.get("eos_token_id", config.get("eos_token_id"))),
        abilities=_abilities(kind, own_template, parts, encodes),
        remote_code="auto_map" in config and "AutoModel" in str(config["auto_map"]),
        missing=tuple(missing),
        dimensions=encodes.get("dimensions"),
        pooling=encodes.get("pooling", ""),
        **shape,
    )


def quantization_of(files: Files, config: dict[str, Any]) -> tuple[str, str, float | None]:
    """(format, quantization, bits of a packed weight or None where they are not packed)."""
    said = config.get("quantization_config") or text_part(config).get("quantization_config")
    if not isinstance(said, dict):
        mlx = config.get("quantization")
        if isinstance(mlx, dict) and isinstance(mlx.get("bits"), int):
            return "mlx", f"{mlx['bits']}bit", float(mlx["bits"])
        said = files.object("hf_quant_config.json").get("quantization")
        if not isinstance(said, dict):
            return ("mlx" if _is_mlx(files) else "pytorch"), "none", None
    method = str(said.get("quant_method") or "").lower()
    number = said.get("bits") or said.get("w_bit")
    width = int(number) if isinstance(number, int) else None
    if method in ("compressed-tensors", "modelopt") or said.get("quant_algo"):
        return _by_groups(said)
    if method == "bitsandbytes":
        width = 8 if said.get("load_in_8bit") else 4
        return "bnb", f"{width}bit", float(width)
    form = _FORMAT_OF_METHOD.get(method, "pytorch")
    if form == "fp8":
        return "fp8", "FP8", 8.0
    if form == "fp4":
        return "fp4", "MXFP4", 4.0
    if width is not None:
        return form, f"Int{width}", float(width)
    return form, method or "none", bits_per_weight(form, "") if method else None


def _by_groups(said: dict[str, Any]) -> tuple[str, str, float | None]:
    """compressed-tensors and ModelOpt: what the weights of the first group are."""
    algorithm = str(said.get("quant_algo") or "").upper()
    if "FP8" in algorithm:
        return "fp8", "FP8", 8.0
    if "FP4" in algorithm:
        return "fp4", algorithm, 4.0
    groups = said.get("config_groups")
    first: Any = next(iter(groups.values()), {}) if isinstance(groups, dict) else {}
    weights = first.get("weights") if isinstance(first, dict) else None
    if not isinstance(weights, dict) or not isinstance(weights.get("num_bits"), int):
        return "pytorch", algorithm or "none", None
    bits = int(weights["num_bits"])
    if weights.get("type") == "float":
        return ("fp8", "FP8", 8.0) if bits == 8 else ("fp4", "NVFP4", 4.0)
    # Packed whole numbers, as GPTQ has them; engines that read the one read the other.
    return "gptq", f"Int{bits}", float(bits)


def _is_mlx(files: Files) -> bool:
    return files.name.lower().startswith("mlx-community/")


def _kind(files: Files, config: dict[str, Any], architecture: str, family: str) -> str:
    name = files.name.lower()
    said = files.object("config_sentence_transformers.json").get("model_type")
    if said == "CrossEncoder" or "rerank" in name:
        return "rerank"
    if "modules.json" in files:
        return "embedding"
    if any(mark in architecture for mark in _AUDIO):
        return "audio"
    if architecture.endswith("ForSequenceClassification"):
        return "rerank" if _labels(config) == 1 else ""
    if "embed" in name and family not in _SEQ2SEQ:
        return "embedding"
    if architecture.endswith(_GENERATES):
        return "" if family in _SEQ2SEQ else "llm"
    encoder = any(mark in family for mark in _ENCODERS)
    if encoder and architecture.endswith(("Model", "ForMaskedLM", "ForPreTraining")):
        return "embedding"
    return ""


def _labels(config: dict[str, Any]) -> int:
    number, names = config.get("num_labels"), config.get("id2label")
    if isinstance(number, int):
        return number
    return len(names) if isinstance(names, dict) else 2


def _abilities(
    kind: str, text: str, parts: tuple[str, ...], encodes: dict[str, Any]
) -> tuple[str, ...]:
    if kind == "llm":
        return template.abilities(text, parts=parts)
    if kind in ("embedding", "rerank"):
        return ("embed" if kind == "embedding" else "rerank", *parts)
    return ()


def _dtype(config: dict[str, Any], text: dict[str, Any]) -> str:
    for part in (config, text):
        said = part.get("torch_dtype") or part.get("dtype")
        if isinstance(said, str):
            return said.removeprefix("torch.")
    return "float32"


def _width(dtype: str) -> int:
    return {"float32": 32, "float64": 64}.get(dtype, 8 if dtype.startswith("float8") else 16)


def _stop(files: Files) -> tuple[str, ...]:
    said = files.object("tokenizer_config.json").get("eos_token")
    if isinstance(said, dict):
        said = said.get("content")
    return (said,) if isinstance(said, str) and said else ()


def _ids(value: Any) -> tuple[int, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(item for item in values if isinstance(item, int) and not isinstance(item, bool))

"""Facts of a diffusers folder: ``model_index.json`` and a folder for each of its parts."""

from __future__ import annotations

from typing import Final

from apps.models.facts import safetensors
from apps.models.facts.config_shape import first
from apps.models.facts.facts import Facts
from apps.models.facts.repository import Files

_VIDEO: Final = (
    "Video", "Wan", "LTX", "CogVideo", "Mochi", "AnimateDiff", "SkyReels", "TextToVideoSD",
    "Allegro", "Latte", "EasyAnimate", "ConsisID", "Kandinsky5T2V", "Sana Video",
)  # fmt: skip
_AUDIO: Final = ("AudioLDM", "StableAudio", "MusicLDM", "AudioDiffusion")


def read_pipeline(files: Files) -> Facts:
    index = files.object("model_index.json")
    pipeline = str(index.get("_class_name") or "")
    components, weight_bytes, parameters, largest = {}, 0, 0, 0
    dtypes: dict[str, int] = {}
    for part, value in index.items():
        if part.startswith("_") or not isinstance(value, list) or len(value) != 2 or not value[1]:
            continue
        components[part] = str(value[1])
        weights = weights_of_part(files, part)
        sizes = [files.sizes[path] for path in weights]
        weight_bytes += sum(sizes)
        largest = max([largest, *sizes])
        count, dtype = safetensors.parameters_of(files, weights, None)
        parameters += count or sum(sizes) // 2
        if dtype:
            dtypes[dtype] = dtypes.get(dtype, 0) + sum(sizes)
    kind = "image"
    if any(mark in pipeline for mark in _VIDEO):
        kind = "video"
    elif any(mark in pipeline for mark in _AUDIO):
        kind = "audio"
    transformer = files.object("transformer/config.json") or files.object("unet/config.json")
    missing = [] if pipeline else ["kind"]
    if not weight_bytes:
        missing.append("weight_bytes")
    return Facts(
        name=files.name,
        kind=kind,
        family=pipeline.removesuffix("Pipeline"),
        architecture=pipeline,
        format="pytorch",
        quantization="none",
        bits=round(weight_bytes * 8 / parameters, 2) if parameters else None,
        dtype=max(dtypes, key=lambda name: dtypes[name], default=""),
        parameters=parameters or None,
        weight_bytes=weight_bytes or None,
        largest_file=largest or None,
        hidden=first(transformer, ("cross_attention_dim", "inner_dim", "joint_attention_dim")),
        abilities=_abilities(kind, pipeline, components),
        components=components,
        remote_code=any(path == "pipeline.py" for path in files.sizes),
        missing=tuple(missing),
    )


def weights_of_part(files: Files, part: str) -> list[str]:
    """Variants (fp16, ema, onnx …) lie beside the plain files, which are those that are loaded."""
    found = safetensors.weights_of(files, part)
    plain = [path for path in found if ".fp16." not in path and ".non_ema." not in path]
    return plain or found


def _abilities(kind: str, pipeline: str, components: dict[str, str]) -> tuple[str, ...]:
    if kind == "video":
        image = "ImageToVideo" in pipeline or "image_encoder" in components
        return ("image2video",) if image else ("text2video",)
    if kind == "audio":
        return ("text2audio",)
    if "Inpaint" in pipeline or "Fill" in pipeline:
        return ("inpainting",)
    if "Img2Img" in pipeline or "Edit" in pipeline or "Kontext" in pipeline:
        return ("image2image",)
    return ("text2image",)

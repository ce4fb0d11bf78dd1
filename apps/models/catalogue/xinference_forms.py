"""The forms in which Xinference's users write their models down, field by field.

Registrations of version 2 have one spec per quantization; older ones, and Xinference's own
catalogue, list ``quantizations`` and may have ``model_src`` with a part per hub. All are read.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1)]
Hub = Literal["huggingface", "modelscope", "openmind_hub", "csghub"]


class VirtualEnv(msgspec.Struct, frozen=True):
    packages: tuple[str, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """Where files are: of a spec itself, or of one hub in its ``model_src``."""

    model_id: str | None = None
    model_hub: Hub = "huggingface"
    model_uri: str | None = None
    model_revision: str | None = None
    quantization: str | None = None
    quantizations: tuple[Text, ...] | None = None
    model_file_name_template: str | None = None
    model_file_name_split_template: str | None = None
    quantization_parts: dict[str, tuple[str, ...]] | None = None
    multimodal_projectors: tuple[str, ...] | None = None
    multimodal_projector: str | None = None
    draft_model_id: str | None = None
    draft_model_file_name_template: str | None = None
    draft_quantizations: tuple[str, ...] | None = None
    draft_model_revision: str | None = None


class SpecForm(Place, frozen=True):
    model_format: str = "pytorch"
    model_size_in_billions: int | float | str | None = None
    activated_size_in_billions: int | float | str | None = None
    model_src: dict[str, Place] | None = None


class Common(msgspec.Struct, frozen=True, kw_only=True):
    model_name: Text
    version: Literal[1, 2] = 2
    model_description: str | None = None
    virtualenv: VirtualEnv | None = None


class LLMForm(Common, frozen=True, kw_only=True):
    model_specs: Annotated[tuple[SpecForm, ...], Meta(min_length=1)]
    model_ability: Annotated[
        tuple[
            Literal[
                "embed", "generate", "chat", "tools", "vision", "audio", "video", "omni",
                "reasoning", "hybrid",
            ],
            ...,
        ],
        Meta(min_length=1),
    ]  # fmt: skip
    model_lang: tuple[str, ...] = ()
    context_length: Annotated[int, Meta(ge=1)] | None = None
    model_family: str | None = None
    chat_template: str | None = None
    stop_token_ids: tuple[int, ...] | None = None
    stop: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    reasoning_start_tag: str | None = None
    reasoning_end_tag: str | None = None
    tool_parser: str | None = None
    reasoning_parser: str | None = None


class EmbeddingForm(Common, frozen=True, kw_only=True):
    dimensions: Annotated[int, Meta(ge=1)]
    max_tokens: Annotated[int, Meta(ge=1)]
    model_specs: Annotated[tuple[SpecForm, ...], Meta(min_length=1)]
    language: tuple[str, ...] = ()
    model_ability: tuple[str, ...] = ()


class RerankForm(Common, frozen=True, kw_only=True):
    model_specs: Annotated[tuple[SpecForm, ...], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    language: tuple[str, ...] = ()
    model_ability: tuple[str, ...] = ()
    type: str | None = None


class ControlNetForm(msgspec.Struct, frozen=True):
    model_name: Text
    model_id: str | None = None
    model_uri: str | None = None
    model_hub: Hub = "huggingface"
    model_revision: str | None = None
    model_family: str | None = None


class MediaForm(Common, frozen=True, kw_only=True):
    """Image, audio and video: one model, sometimes with several forms of it in ``model_specs``."""

    model_family: Text
    model_ability: tuple[str, ...] | None = None
    model_id: str | None = None
    model_hub: Hub = "huggingface"
    model_uri: str | None = None
    model_revision: str | None = None
    model_format: str | None = None
    quantization: str | None = None
    model_src: dict[str, Place] | None = None
    model_specs: tuple[SpecForm, ...] | None = None
    default_model_config: dict[str, Any] | None = None
    default_generate_config: dict[str, Any] | None = None
    default_transcription_config: dict[str, Any] | None = None
    engine: str | None = None
    controlnet: tuple[ControlNetForm, ...] | None = None
    gguf_model_id: str | None = None
    gguf_quantizations: tuple[Text, ...] | None = None
    gguf_model_file_name_template: str | None = None
    lightning_model_id: str | None = None
    lightning_versions: tuple[Text, ...] | None = None
    lightning_model_file_name_template: str | None = None
    multilingual: bool | None = None
    language: str | None = None
    model_lang: tuple[str, ...] | None = None


class FlexibleForm(Common, frozen=True, kw_only=True):
    launcher: Text
    launcher_args: str | None = None
    model_id: str | None = None
    model_hub: Hub = "huggingface"
    model_uri: str | None = None
    model_revision: str | None = None


#: what is in their files and says nothing to us
IGNORED = frozenset(
    """is_builtin is_built_in updated_at featured cache_status model_version_count download_hubs
    model_instance_count prompt_style model_type cache_config cache_name model_metadata address
    model_metadata_by_quantization draft_cache_status is_custom user_name""".split()
)

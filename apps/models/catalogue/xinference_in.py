"""A registration as Xinference's users have it → a family of ours."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from xplatform.core.errors import InvalidValue, UnknownField

from .checks import named, problems
from .schema import Companion, Family, Kind, Spec
from .xinference_forms import (
    IGNORED,
    ControlNetForm,
    EmbeddingForm,
    FlexibleForm,
    LLMForm,
    MediaForm,
    Place,
    RerankForm,
    SpecForm,
    VirtualEnv,
)
from .xinference_specs import place_of, repository_of, specs_of

Form = TypeVar("Form", LLMForm, EmbeddingForm, RerankForm, MediaForm, FlexibleForm)

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")
_ENGINE_TERM = re.compile(r'#engine#\s*==\s*"[^"]+"(?:\s+(?:and|or)\s+)?')
_ENGINE = re.compile(r'#engine#\s*==\s*"([^"]+)"')
#: our fields → theirs; entries were put together, so a spec's number would mislead
_THEIRS = {"specs": "model_specs", "abilities": "model_ability"}
#: their names of engines → ours, where another spelling alone does not lead there
_ENGINES = {"sentence_transformers": "sentence-transformers", "flag": "flag-embedding"}


def from_xinference(kind: Kind, given: Any, base: Callable[[str], Family | None]) -> Family:
    """``base``: the catalogue's family of a name, from which a variant takes what it leaves out."""
    if not isinstance(given, dict):
        raise InvalidValue("A registration is a JSON object.", param="model")
    match kind:
        case "llm":
            family = _llm(_form(given, LLMForm), base)
        case "embedding":
            family = _embedding(_form(given, EmbeddingForm))
        case "rerank":
            family = _rerank(_form(given, RerankForm))
        case "flexible":
            family = _flexible(_form(given, FlexibleForm))
        case _:
            family = _media(kind, _form(given, MediaForm))
    for where, what in problems(family):
        field = _THEIRS.get(where.split("[")[0], where)
        raise InvalidValue(f"{field}: {what}.", param=field)
    return family


# --- by kind ---


def _llm(form: LLMForm, base: Callable[[str], Family | None]) -> Family:
    specs = specs_of(form.model_specs)
    for index, spec in enumerate(form.model_specs):
        if spec.model_size_in_billions in (None, ""):
            raise InvalidValue(
                "model_size_in_billions is needed: 7, 0.5 or '0_5'.",
                param=f"model_specs[{index}].model_size_in_billions",
            )
    if (form.reasoning_start_tag is None) != (form.reasoning_end_tag is None):
        missing = "end" if form.reasoning_end_tag is None else "start"
        raise InvalidValue(
            f"reasoning_{missing}_tag is missing; the tags come in pairs.",
            param=f"reasoning_{missing}_tag",
        )
    tags = None
    if form.reasoning_start_tag and form.reasoning_end_tag:
        tags = (form.reasoning_start_tag, form.reasoning_end_tag)
    template = form.chat_template or ""
    # There a template may be the name of a family, whose template is meant.
    named_template = base(template) if _NAME.match(template) else None
    parent = named_template or (base(form.model_family) if form.model_family else None)
    family = Family(
        **_common("llm", form, specs),
        base=form.model_family or "",
        abilities=tuple(each for each in form.model_ability if each != "embed"),
        context_length=form.context_length,
        languages=form.model_lang,
        chat_template=named_template.chat_template if named_template else template,
        stop=form.stop or (),
        stop_token_ids=form.stop_token_ids or (),
        architectures=form.architectures or (),
        reasoning_tags=tags,
        tool_parser=form.tool_parser or "",
        reasoning_parser=form.reasoning_parser or "",
    )
    return _inherited(family, parent)


def _inherited(family: Family, parent: Family | None) -> Family:
    """What the variant leaves out is as in the family that it comes from."""
    if parent is None:
        return family
    fields = (
        "chat_template", "stop", "stop_token_ids", "architectures", "reasoning_tags",
        "tool_parser", "reasoning_parser", "context_length", "languages",
    )  # fmt: skip
    taken = {name: getattr(parent, name) for name in fields if not getattr(family, name)}
    return replace(family, **taken)


def _embedding(form: EmbeddingForm) -> Family:
    return Family(
        **_common("embedding", form, specs_of(form.model_specs)),
        abilities=_with("embed", form.model_ability),
        context_length=form.max_tokens,
        dimensions=form.dimensions,
        languages=form.language,
    )


def _rerank(form: RerankForm) -> Family:
    return Family(
        **_common("rerank", form, specs_of(form.model_specs)),
        abilities=_with("rerank", form.model_ability),
        context_length=form.max_tokens,
        languages=form.language,
        architectures=(form.type,) if form.type and form.type != "unknown" else (),
    )


def _media(kind: Kind, form: MediaForm) -> Family:
    if form.model_specs:
        entries = form.model_specs
    else:
        entries = (
            SpecForm(
                model_format=form.model_format or "pytorch",
                model_id=form.model_id,
                model_hub=form.model_hub,
                model_uri=form.model_uri,
                model_revision=form.model_revision,
                quantization=form.quantization,
                model_src=form.model_src,
            ),
        )
    specs = list(specs_of(entries, "model_specs" if form.model_specs else ""))
    if form.gguf_model_id and all(spec.format != "ggufv2" for spec in specs):
        specs.append(
            Spec(
                format="ggufv2",
                repositories=(repository_of(form.model_hub, form.gguf_model_id, ""),),
                quantizations=form.gguf_quantizations or ("none",),
                file=form.gguf_model_file_name_template or "",
            )
        )
    companions = [
        Companion(
            role="controlnet",
            name=each.model_name,
            repositories=(place_of(each, f"controlnet[{index}]."),),
        )
        for index, each in enumerate(form.controlnet or ())
    ]
    if form.lightning_model_id:
        companions.append(
            Companion(
                role="lightning",
                repositories=(repository_of(form.model_hub, form.lightning_model_id, ""),),
                versions=form.lightning_versions or (),
                file=(form.lightning_model_file_name_template or "").replace(
                    "{lightning_version}", "{version}"
                ),
            )
        )
    if companions:
        specs[0] = replace(specs[0], companions=(*specs[0].companions, *companions))
    languages = form.model_lang or ((form.language,) if form.language else ())
    if not languages and form.multilingual:
        languages = ("multilingual",)
    engine = (form.engine or "").lower() or "*"
    return Family(
        **_common(kind, form, tuple(specs)),
        abilities=form.model_ability or (),
        languages=languages,
        architectures=(form.model_family,),
        defaults=form.default_generate_config or form.default_transcription_config or {},
        engine_options={engine: form.default_model_config} if form.default_model_config else {},
    )


def _flexible(form: FlexibleForm) -> Family:
    try:
        args = json.loads(form.launcher_args) if form.launcher_args else {}
    except ValueError as error:
        raise InvalidValue(f"launcher_args is not JSON: {error}.", param="launcher_args") from None
    if not isinstance(args, dict):
        raise InvalidValue("launcher_args is a JSON object in a string.", param="launcher_args")
    place = Place(
        model_id=form.model_id,
        model_hub=form.model_hub,
        model_uri=form.model_uri,
        model_revision=form.model_revision,
    )
    spec = Spec(format="pytorch", repositories=(place_of(place, ""),))
    return Family(
        **_common("flexible", form, (spec,)),
        abilities=("flexible",),
        engine_options={"flexible": {"launcher": form.launcher, "launcher_args": args}},
    )


# --- what all have ---


def _form(given: dict[str, Any], form: type[Form]) -> Form:
    _mistyped(given, form, "")
    for field, of in (("model_specs", SpecForm), ("controlnet", ControlNetForm)):
        for index, each in enumerate(given.get(field) or ()):
            if isinstance(each, dict):
                _mistyped(each, of, f"{field}[{index}].")
    try:
        return msgspec.convert(given, form)
    except msgspec.ValidationError as error:
        raise named(error, "model") from None


def _mistyped(given: dict[str, Any], form: type[msgspec.Struct], where: str) -> None:
    """Their forms allow any further field; one that looks like a slip of a known name is worth an
    error, since it would be left out without a word."""
    known = form.__struct_fields__
    for field in given:
        if field in known or field in IGNORED:
            continue
        near = difflib.get_close_matches(field, [*known, *IGNORED], n=1, cutoff=0.85)
        if near and near[0] not in given and near[0] not in IGNORED:
            raise UnknownField(
                f"There is no field {where}{field}; did you mean {near[0]}?",
                param=f"{where}{field}",
                data={"close": near},
            )


def _common(kind: Kind, form: Any, specs: tuple[Spec, ...]) -> dict[str, Any]:
    if not _NAME.match(form.model_name):
        raise InvalidValue(
            f"model_name {form.model_name!r} begins with a letter or digit and has letters, "
            "digits, '.', '_', '+' and '-' in it, at most 100.",
            param="model_name",
        )
    return {
        "name": form.model_name,
        "kind": kind,
        "specs": specs,
        "description": form.model_description or "",
        "packages": _packages(form.virtualenv),
    }


def _packages(environment: VirtualEnv | None) -> dict[str, tuple[str, ...]]:
    """By engine; ``#…#`` stands there for what the engine's environment has anyway."""
    found: dict[str, list[str]] = {}
    for entry in environment.packages if environment else ():
        requirement, _, marker = entry.partition(" ; ")
        if requirement.startswith("#"):
            continue
        rest = _ENGINE_TERM.sub("", marker).removesuffix(" and ").removesuffix(" or ")
        text = f"{requirement} ; {rest}" if rest else requirement
        for name in _ENGINE.findall(marker) or ["*"]:
            engine = _ENGINES.get(name.lower(), name.lower())
            found.setdefault(engine, []).append(text)
    return {engine: tuple(each) for engine, each in found.items()}


def _with(ability: str, more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((ability, *more)))

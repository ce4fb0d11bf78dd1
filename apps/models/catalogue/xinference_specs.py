"""The specs of a registration as Xinference's users have it → ours.

There each quantization on each hub is an entry of its own; here a spec is one form and size, with
its quantizations and the repositories that have them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from msgspec.structs import replace

from xplatform.core.errors import InvalidValue

from .choice import filled, size_of
from .schema import Companion, Format, Repository, Spec
from .xinference_forms import ControlNetForm, Place, SpecForm

_FORMATS = ("pytorch", "ggufv2", "mlx", "awq", "gptq", "fp8", "fp4", "bnb")
_OURS = ("huggingface", "modelscope")


def specs_of(forms: Iterable[SpecForm], path: str = "model_specs") -> tuple[Spec, ...]:
    """Their entries, one per quantization and hub, put together to one spec per form and size.
    Hubs that are not known here are left aside as long as there is another place."""
    indexed = list(enumerate(forms))
    known = [(index, form) for index, form in indexed if form.model_hub in _OURS or form.model_uri]
    found: list[Spec] = []
    for index, form in known or indexed:
        for spec in _entries(form, f"{path}[{index}]." if path else ""):
            _put(found, spec)
    return tuple(found)


def _entries(form: SpecForm, where: str) -> list[Spec]:
    """One spec per quantization and hub, with nothing left to fill in."""
    if form.model_format not in _FORMATS and form.model_format != "diffusers":
        raise InvalidValue(
            f"model_format {form.model_format!r} is unknown; there are: {', '.join(_FORMATS)}.",
            param=f"{where}model_format",
            data={"allowed": list(_FORMATS)},
        )
    places: dict[str, Place] = {"": form}
    if form.model_src is not None:
        places = {hub: place for hub, place in form.model_src.items() if hub in _OURS}
        if not places:
            raise InvalidValue(
                f"model_src has none of {' and '.join(_OURS)}.", param=f"{where}model_src"
            )
    sizes = {
        field: size_of(getattr(form, field), f"{where}{field}")
        for field in ("model_size_in_billions", "activated_size_in_billions")
    }
    specs = []
    for hub, place in places.items():
        at = f"{where}model_src.{hub}." if hub else where
        repository = place_of(replace(place, model_hub=cast(Any, hub)) if hub else place, at)
        gguf = form.model_format == "ggufv2"
        for name in place.quantizations or form.quantizations or (place.quantization or "none",):
            parts = (place.quantization_parts or {}).get(name)
            split = place.model_file_name_split_template
            if gguf and parts and not split:
                raise InvalidValue(
                    "model_file_name_split_template is needed beside quantization_parts.",
                    param=f"{at}model_file_name_split_template",
                )
            specs.append(
                Spec(
                    format=cast(
                        Format,
                        "pytorch" if form.model_format == "diffusers" else form.model_format,
                    ),
                    size=sizes["model_size_in_billions"],
                    active=sizes["activated_size_in_billions"],
                    quantizations=(name,),
                    repositories=(
                        replace(
                            repository,
                            id=filled(repository.id, name),
                            revision=filled(repository.revision, name),
                        ),
                    ),
                    file=_file(place, repository, name, at) if gguf and not parts else "",
                    parts={
                        name: tuple(
                            filled(split or "", name).replace("{part}", part) for part in parts
                        )
                    }
                    if gguf and parts
                    else {},
                    projectors=(
                        place.multimodal_projectors
                        or ((place.multimodal_projector,) if place.multimodal_projector else ())
                    )
                    if gguf
                    else (),
                    companions=_draft(place, repository),
                )
            )
    return specs


def _put(found: list[Spec], new: Spec) -> None:
    """Joins an entry to the spec that it belongs to: the same quantization on another hub, or
    another quantization in the same place but for its name."""
    (name,) = new.quantizations
    for index, spec in enumerate(found):
        if (spec.format, spec.size, spec.active, spec.projectors) != (
            new.format, new.size, new.active, new.projectors,
        ):  # fmt: skip
            continue
        joined = _joined(spec, new, name)
        if joined is not None:
            found[index] = joined
            return
    found.append(new)


def _joined(spec: Spec, new: Spec, name: str) -> Spec | None:
    (repository,) = new.repositories
    file, old = new.file, spec.file
    if file and old and filled(old, name) != file:
        # A template comes to light when there are two names of files.
        first = next((each for each in spec.quantizations if each not in spec.parts), "")
        if first and _template(old, first) == _template(file, name):
            old = _template(old, first)
        else:
            return None
    quantizations = spec.quantizations
    if name not in quantizations:
        quantizations = (*quantizations, name)
    repositories = []
    taken = False
    for each in spec.repositories:
        here = each.quantizations or spec.quantizations
        same_hub = each.hub == repository.hub and each.revision == repository.revision
        if not same_hub:
            repositories.append(replace(each, quantizations=here))
            continue
        if name in here:
            return None
        template = each.id
        if filled(each.id, name) != repository.id:
            template = _template(each.id, here[0])
            if len(here) > 1 or template != _template(repository.id, name):
                return None
        elif "{" not in each.id and spec.format != "ggufv2":
            return None  # one place for two quantizations: only a GGUF has them side by side
        repositories.append(replace(each, id=template, quantizations=(*here, name)))
        taken = True
    if not taken:
        repositories.append(replace(repository, quantizations=(name,)))
    return replace(
        spec,
        quantizations=quantizations,
        repositories=tuple(
            replace(each, quantizations=())
            if set(each.quantizations) == set(quantizations)
            else each
            for each in repositories
        ),
        file=old or file,
        parts=spec.parts | new.parts,
    )


def _template(text: str, quantization: str) -> str:
    return text.replace(quantization, "{quantization}")


def _file(place: Place, repository: Repository, quantization: str, where: str) -> str:
    name = place.model_file_name_template
    if not name:
        if repository.hub in _OURS:
            raise InvalidValue(
                "model_file_name_template is needed for ggufv2: the file's name.",
                param=f"{where}model_file_name_template",
            )
        return ""
    return filled(name, quantization)


def place_of(place: Place | ControlNetForm, where: str) -> Repository:
    if place.model_uri:
        return _of_uri(place.model_uri, f"{where}model_uri")
    if place.model_hub not in _OURS:
        raise InvalidValue(
            f"model_hub {place.model_hub!r} is not known here; use {' or '.join(_OURS)}, "
            "or model_uri.",
            param=f"{where}model_hub",
            data={"allowed": list(_OURS)},
        )
    if not place.model_id:
        raise InvalidValue(
            "model_id (a repository, owner/name) or model_uri (a path or an URI) is needed.",
            param=f"{where}model_id",
        )
    return repository_of(place.model_hub, place.model_id, place.model_revision or "", where)


def repository_of(hub: str, id: str, revision: str, where: str = "") -> Repository:
    if id.count("/") != 1 or not all(id.split("/")):
        raise InvalidValue(
            f"model_id {id!r} is not of the form owner/name. A path goes into model_uri.",
            param=f"{where}model_id",
        )
    return Repository(
        hub=cast(Any, hub), id=id, revision="" if revision in ("main", "master") else revision
    )


def _of_uri(uri: str, where: str) -> Repository:
    if "://" in uri:
        scheme = uri.split("://", 1)[0].lower()
        if scheme not in ("file", "http", "https", "s3"):
            raise InvalidValue(
                f"model_uri has the scheme {scheme!r}; there are: file, http, https, s3.",
                param=where,
            )
        if scheme == "file":
            path = uri.split("://", 1)[1]
            if not path.startswith("/"):
                raise InvalidValue(
                    f"model_uri {uri!r} is relative; write file:///…, an absolute path.",
                    param=where,
                )
            return Repository(hub="path", id=path)
        return Repository(hub="uri", id=uri)
    if not uri.startswith("/"):
        raise InvalidValue(
            f"model_uri {uri!r} is a relative path; it has to be absolute, as it is on the node.",
            param=where,
        )
    return Repository(hub="path", id=uri)


def _draft(place: Place, repository: Repository) -> tuple[Companion, ...]:
    if not place.draft_model_id and not place.draft_model_file_name_template:
        return ()
    versions = place.draft_quantizations or ()

    def version(text: str) -> str:
        return text.replace("{draft_quantization}", "{version}")

    return (
        Companion(
            role="draft",
            repositories=(
                Repository(
                    hub=repository.hub,
                    id=version(place.draft_model_id or repository.id),
                    revision=place.draft_model_revision or "",
                ),
            ),
            versions=versions,
            file=version(place.draft_model_file_name_template or ""),
        ),
    )

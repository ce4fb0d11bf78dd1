"""From a family to one spec in one quantization, and from there to the files to fetch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from xplatform.core.errors import InvalidValue
from xplatform.files.source import Source

from .schema import Family, Repository, Spec

#: in this order where nobody says which: a good balance first, then what is closest to it
_USUAL = (
    "none", "Q4_K_M", "UD-Q4_K_XL", "Q4_K_S", "IQ4_XS", "Q4_0", "MXFP4", "Q5_K_M", "Q6_K", "Q8_0",
    "Int4", "4bit", "4-bit", "8bit", "F16", "BF16",
)  # fmt: skip
_SIZE = re.compile(r"^(?P<number>[0-9]+(?:[._][0-9]+)?)\s*(?P<unit>[bBmMtT]?)$")


class Choice(NamedTuple):
    spec: Spec
    #: spelt as the family has it
    quantization: str


def size_of(given: str | float | None, param: str = "model_size_in_billions") -> str:
    """Billions of parameters in the catalogue's spelling, from any that people use: 7, 0.5, "0_5",
    "7B", "500M", "1.6T". Empty: nobody said."""
    if given is None or given == "":
        return ""
    found = _SIZE.match(str(given).strip()) if not isinstance(given, bool) else None
    if found is None:
        raise InvalidValue(
            f"{given!r} is no size. Write billions of parameters: 7, 0.5, '0_5' or '7B'.",
            param=param,
        )
    number = found["number"].replace("_", ".")
    factor = {"m": 0.001, "t": 1000.0}.get(found["unit"].lower())
    if factor is not None:
        number = f"{float(number) * factor:.3f}"
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return number.lstrip("0") if len(number) > 1 and not number.startswith("0.") else number


def choices(
    family: Family,
    format: str | None = None,
    size: str | float | None = None,
    quantization: str | None = None,
) -> list[Choice]:
    """Every spec × quantization that has what is asked for, in the family's order. What is not
    asked for is open. An error tells what exists if nothing has it."""
    specs = _of_format(family, family.specs, format)
    specs = _of_size(family, specs, size)
    found = [
        Choice(spec, name)
        for spec in specs
        for name in spec.quantizations
        if not quantization or name.lower() == quantization.lower()
    ]
    if found:
        return found
    there = _unique(name for spec in specs for name in spec.quantizations)
    raise InvalidValue(
        f"{_named(family, specs, format, size)} has no quantization {quantization!r}; there are: "
        f"{', '.join(there)}.",
        param="quantization",
        data={"allowed": there},
    )


def spec_for(
    family: Family,
    format: str | None = None,
    size: str | float | None = None,
    quantization: str | None = None,
) -> Choice:
    """The one to take: of several formats and sizes the family's first, of its quantizations the
    usual one."""
    found = choices(family, format, size, quantization)
    spec = found[0].spec
    names = [choice.quantization for choice in found if choice.spec is spec]
    return Choice(spec, usual(names))


def usual(quantizations: Sequence[str]) -> str:
    """The quantization for somebody who did not choose."""
    for name in _USUAL:
        for each in quantizations:
            if each.lower() == name.lower():
                return each
    return quantizations[0]


def source_of(
    spec: Spec,
    quantization: str = "",
    hub: str = "",
    family: Family | None = None,
    *,
    projector: str | None = None,
) -> Source:
    """What to fetch, and from where: ``hub`` if the spec is there in this quantization, else where
    it is. ``projector``: one of the spec's; None: its first; empty: none."""
    name = next(
        (each for each in spec.quantizations if each.lower() == quantization.lower()),
        "" if quantization else usual(spec.quantizations),
    )
    if not name:
        raise InvalidValue(
            f"{family.name if family else 'The model'} has no quantization {quantization!r}; "
            f"there are: {', '.join(spec.quantizations)}.",
            param="quantization",
            data={"allowed": list(spec.quantizations)},
        )
    repository = _repository(spec, name, hub, family)
    entry, files = "", [filled(pattern, name) for pattern in spec.files]
    if spec.format == "ggufv2" and (spec.file or spec.parts) and not _is_file(repository):
        names = files_of(spec, name)
        entry = names[0]
        chosen = _projector(spec, projector)
        files = [*names, *([chosen] if chosen else []), *files]
    return Source(
        hub=repository.hub,
        id=filled(repository.id, name),
        revision=filled(repository.revision, name),
        files=tuple(files),
        entry=entry,
    )


def files_of(spec: Spec, quantization: str) -> tuple[str, ...]:
    """Of a GGUF: the file, or its parts, the first of which is opened."""
    return spec.parts.get(quantization) or (filled(spec.file, quantization),)


def repositories_of(family: Family) -> Iterator[tuple[str, Choice]]:
    """Where each of its forms lies: the repository's id in small letters."""
    for choice in choices(family):
        for repository in choice.spec.repositories:
            yield filled(repository.id, choice.quantization).lower(), choice


def filled(text: str, quantization: str) -> str:
    return text.replace("{quantization}", quantization)


def _repository(spec: Spec, quantization: str, hub: str, family: Family | None) -> Repository:
    having = [
        each
        for each in spec.repositories
        if not each.quantizations or quantization in each.quantizations
    ]
    if not having:
        raise InvalidValue(
            f"{family.name if family else 'The model'} lists no repository for {quantization!r}.",
            param="quantization",
        )
    return next((each for each in having if each.hub == hub), having[0])


def _is_file(repository: Repository) -> bool:
    """A path or an address that leads to the file itself, not to a folder that has it."""
    return repository.hub in ("path", "uri") and repository.id.lower().endswith(".gguf")


def _projector(spec: Spec, wanted: str | None) -> str:
    if wanted is None:
        return spec.projectors[0] if spec.projectors else ""
    if wanted and wanted not in spec.projectors:
        there = ", ".join(spec.projectors) or "none"
        raise InvalidValue(
            f"There is no projector {wanted!r}; there are: {there}.",
            param="multimodal_projector",
            data={"allowed": list(spec.projectors)},
        )
    return wanted


def _of_format(family: Family, specs: Sequence[Spec], wanted: str | None) -> list[Spec]:
    found = [spec for spec in specs if not wanted or spec.format == wanted.lower()]
    if found:
        return found
    there = _unique(spec.format for spec in specs)
    raise InvalidValue(
        f"{family.name} has no format {wanted!r}; there are: {', '.join(there)}.",
        param="model_format",
        data={"allowed": there},
    )


def _of_size(family: Family, specs: Sequence[Spec], wanted: str | float | None) -> list[Spec]:
    size = size_of(wanted)
    found = [spec for spec in specs if not size or spec.size == size]
    if not found:
        # Some clients name a mixture by the parameters that work, or know whole numbers only.
        found = [spec for spec in specs if spec.active == size] or [
            spec for spec in specs if "." in spec.size and spec.size.split(".")[0] == size
        ]
        if len({spec.size for spec in found}) > 1:
            found = []
    if found:
        return found
    there = sorted(_unique(spec.size for spec in specs if spec.size), key=float)
    of_format = f" in {specs[0].format}" if len({spec.format for spec in specs}) == 1 else ""
    raise InvalidValue(
        f"{family.name} has no size {size}{of_format}; there are: "
        f"{', '.join(there) or 'no sizes to choose from'}.",
        param="model_size_in_billions",
        data={"allowed": there},
    )


def _named(
    family: Family, specs: Sequence[Spec], format: str | None, size: str | float | None
) -> str:
    parts = [family.name]
    if format:
        parts.append(f"in {format}")
    if size not in (None, ""):
        parts.append(f"of size {specs[0].size}")
    return " ".join(parts)


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))

"""Every file of the platform's own catalogue, looked at one by one."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from apps.models.catalogue.checks import problems
from apps.models.catalogue.choice import Choice, choices, filled, source_of
from apps.models.catalogue.library import OWN, Library
from apps.models.catalogue.schema import Family

FILES = sorted(OWN.glob("*/*.json"))
OWNER_NAME = re.compile(r"^[\w.-]+/[\w.-]+$")


@pytest.fixture(scope="module")
def families() -> list[Family]:
    return Library().families()


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_file_is_a_family_of_its_name_and_kind_without_a_fault(file: Path) -> None:
    family = msgspec.json.decode(file.read_bytes(), type=Family, strict=True)
    assert file.stem == family.name
    assert file.parent.name == family.kind
    assert list(problems(family)) == []
    assert family.description.strip() == family.description != ""
    assert family.abilities
    assert family.kind not in ("llm", "embedding", "rerank") or family.context_length


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_each_size_and_quantization_leads_to_files(file: Path) -> None:
    family = msgspec.json.decode(file.read_bytes(), type=Family)
    for spec, quantization in choices(family):
        for hub in ("huggingface", "modelscope"):
            source = source_of(spec, quantization, hub, family)
            assert OWNER_NAME.match(source.id), source.id
            assert "{" not in source.revision + source.entry + "".join(source.files)
            if spec.format == "ggufv2":
                assert source.entry.endswith(".gguf")
                assert source.entry in source.files


def test_there_are_enough_of_each_kind(families: list[Family]) -> None:
    counts = Counter(family.kind for family in families)
    assert sum(counts.values()) == len(FILES) >= 300
    for kind, least in {
        "llm": 150, "embedding": 40, "rerank": 15, "image": 50, "audio": 50, "video": 15,
    }.items():  # fmt: skip
        assert counts[kind] >= least


def test_names_differ_by_more_than_upper_and_lower_case(families: list[Family]) -> None:
    names = Counter((family.kind, family.name.lower()) for family in families)
    assert [name for name, count in names.items() if count > 1] == []


def test_none_comes_from_a_machine_of_its_own(families: list[Family]) -> None:
    hubs = {
        repository.hub
        for family in families
        for spec in family.specs
        for repository in spec.repositories
    }
    assert hubs == {"huggingface", "modelscope"}


def test_repositories_of_several_quantizations_differ(families: list[Family]) -> None:
    """Two quantizations that led to the same files would be one."""
    for family in families:
        for spec in family.specs:
            if spec.format == "pytorch" and not any("{" in name for name in spec.files):
                continue
            places = Counter(
                (source.hub, source.id, source.entry, source.files)
                for quantization in spec.quantizations
                for source in [source_of(spec, quantization, "huggingface", family)]
            )
            assert max(places.values()) == 1, (family.name, spec.format, spec.size)


def test_shapes_are_possible(families: list[Family]) -> None:
    seen = 0
    for family in families:
        for spec in family.specs:
            if (shape := spec.shape) is not None:
                seen += 1
                assert shape.heads % (shape.kv_heads or shape.heads) == 0, family.name
                assert 0 < (shape.head_dim or shape.hidden // shape.heads) <= 1024, family.name
                assert shape.layers < 1000
            assert set(spec.weights) <= set(spec.quantizations)
            assert all(size > 1 << 20 for size in spec.weights.values())
    assert seen > 300


def test_active_parameters_are_fewer_than_all(families: list[Family]) -> None:
    for family in families:
        for spec in family.specs:
            if spec.active:
                assert float(spec.active) < float(spec.size), family.name


def test_placeholders_are_filled_everywhere() -> None:
    assert filled("a-{quantization}/b-{quantization}", "Q8_0") == "a-Q8_0/b-Q8_0"
    assert isinstance(choices(Library().find("qwen3"))[0], Choice)

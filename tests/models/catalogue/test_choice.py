"""From a family to one spec in one quantization and the files of it."""

from __future__ import annotations

from typing import Any

import pytest

from apps.models.catalogue.choice import choices, size_of, source_of, spec_for, usual
from apps.models.catalogue.library import library
from apps.models.catalogue.schema import Family, Repository, Spec
from xplatform.core.errors import InvalidValue
from xplatform.files.source import Source

BIG = Spec(
    format="ggufv2",
    size="70",
    quantizations=("Q2_K", "Q8_0"),
    repositories=(
        Repository(hub="huggingface", id="maker/Big-GGUF", revision="abc"),
        Repository(hub="modelscope", id="other/Big-GGUF", quantizations=("Q2_K",)),
    ),
    file="big-{quantization}.gguf",
    parts={"Q8_0": ("Q8_0/big-1-of-2.gguf", "Q8_0/big-2-of-2.gguf")},
    projectors=("mmproj-F16.gguf", "mmproj-BF16.gguf"),
)
AWQ = Spec(
    format="awq",
    size="1.7",
    quantizations=("Int4", "Int8"),
    repositories=(Repository(hub="huggingface", id="maker/Small-AWQ-{quantization}"),),
)
MIXTURE = Spec(
    format="pytorch",
    size="30",
    active="3",
    repositories=(Repository(hub="modelscope", id="maker/Mixture"),),
)
FAMILY = Family(name="fam", kind="llm", specs=(AWQ, BIG, MIXTURE), abilities=("chat",))


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (7, "7"), (7.0, "7"), (0.5, "0.5"), ("0_5", "0.5"), ("0.5", "0.5"), ("1_8", "1.8"),
        ("7B", "7"), ("7 b", "7"), ("500M", "0.5"), ("1.6T", "1600"), ("235", "235"), ("", ""),
        (None, ""), ("07", "7"), ("1.0", "1"), ("1058_59", "1058.59"),
    ],
)  # fmt: skip
def test_sizes_are_read_in_any_spelling(given: Any, size: str) -> None:
    assert size_of(given) == size


@pytest.mark.parametrize("given", ["large", "7GB", "-1", "1.2.3", True])
def test_what_is_no_size_is_refused(given: Any) -> None:
    with pytest.raises(InvalidValue, match="is no size") as caught:
        size_of(given)
    assert caught.value.param == "model_size_in_billions"


def test_what_nobody_asked_for_is_open() -> None:
    assert [(c.spec.size, c.quantization) for c in choices(FAMILY)] == [
        ("1.7", "Int4"), ("1.7", "Int8"), ("70", "Q2_K"), ("70", "Q8_0"), ("30", "none"),
    ]  # fmt: skip
    assert spec_for(FAMILY) == (AWQ, "Int4")
    assert spec_for(FAMILY, size="70B") == (BIG, "Q8_0")
    assert spec_for(FAMILY, "ggufv2", None, "q2_k") == (BIG, "Q2_K")


def test_a_mixture_answers_to_its_active_size_and_1_7_to_its_whole_number() -> None:
    assert spec_for(FAMILY, size=3).spec is MIXTURE
    assert spec_for(FAMILY, size=1).spec is AWQ


@pytest.mark.parametrize(
    ("asked", "param", "allowed"),
    [
        ({"format": "mlx"}, "model_format", ["awq", "ggufv2", "pytorch"]),
        ({"size": 13}, "model_size_in_billions", ["1.7", "30", "70"]),
        ({"format": "awq", "size": 70}, "model_size_in_billions", ["1.7"]),
        ({"size": 70, "quantization": "Int4"}, "quantization", ["Q2_K", "Q8_0"]),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    asked: dict[str, Any], param: str, allowed: list[str]
) -> None:
    with pytest.raises(InvalidValue) as caught:
        spec_for(FAMILY, **asked)
    assert caught.value.status == 400
    assert caught.value.param == param
    assert caught.value.data["allowed"] == allowed
    assert all(name in caught.value.message for name in ("fam", *allowed))


def test_the_usual_quantization() -> None:
    assert usual(("Q2_K", "q4_k_m", "Q8_0")) == "q4_k_m"
    assert usual(("IQ1_S",)) == "IQ1_S"


def test_a_hub_is_preferred_if_it_has_the_quantization() -> None:
    assert source_of(BIG, "Q2_K", "modelscope").id == "other/Big-GGUF"
    assert source_of(BIG, "Q8_0", "modelscope").hub == "huggingface"
    assert source_of(MIXTURE, "", "huggingface").hub == "modelscope"


def test_the_files_of_a_gguf() -> None:
    assert source_of(BIG, "q2_k", "huggingface") == Source(
        hub="huggingface",
        id="maker/Big-GGUF",
        revision="abc",
        files=("big-Q2_K.gguf", "mmproj-F16.gguf"),
        entry="big-Q2_K.gguf",
    )
    assert source_of(BIG, "Q8_0", projector="mmproj-BF16.gguf") == Source(
        hub="huggingface",
        id="maker/Big-GGUF",
        revision="abc",
        files=("Q8_0/big-1-of-2.gguf", "Q8_0/big-2-of-2.gguf", "mmproj-BF16.gguf"),
        entry="Q8_0/big-1-of-2.gguf",
    )
    assert source_of(BIG, "Q2_K", projector="").files == ("big-Q2_K.gguf",)


def test_a_placeholder_in_the_repository_is_filled() -> None:
    assert source_of(AWQ, "int8").id == "maker/Small-AWQ-Int8"


def test_what_the_spec_lacks_is_refused() -> None:
    with pytest.raises(InvalidValue, match="Int4, Int8"):
        source_of(AWQ, "Q4_0", family=FAMILY)
    with pytest.raises(InvalidValue, match=r"mmproj-F16\.gguf") as caught:
        source_of(BIG, "Q2_K", projector="other.gguf")
    assert caught.value.param == "multimodal_projector"


def test_a_real_family() -> None:
    qwen = library().find("qwen2.5-instruct", "llm")
    spec, quantization = spec_for(qwen, "ggufv2", "0_5")
    source = source_of(spec, quantization, "huggingface", qwen)
    assert source.id == "Qwen/Qwen2.5-0.5B-Instruct-GGUF"
    assert source.entry == f"qwen2.5-0.5b-instruct-{quantization}.gguf"


def test_a_path_may_be_the_file_itself_or_the_folder_that_has_it() -> None:
    def at(path: str) -> Source:
        place = Repository(hub="path", id=path)
        return source_of(
            Spec(format="ggufv2", repositories=(place,), size="1", file="m.gguf"), "none"
        )

    assert at("/models/m.gguf") == Source(hub="path", id="/models/m.gguf")
    assert at("/models") == Source(hub="path", id="/models", files=("m.gguf",), entry="m.gguf")

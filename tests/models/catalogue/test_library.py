"""The library: reading, finding, searching, and the user's own folder."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from apps.models.catalogue import library as module
from apps.models.catalogue.library import Library
from xplatform.core.errors import InvalidValue


def own(name: str = "my-model", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "llm",
        "abilities": ["chat"],
        "specs": [
            {
                "format": "pytorch",
                "size": "1",
                "repositories": [{"hub": "path", "id": "/models/mine"}],
            }
        ],
        **more,
    }


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A catalogue of two families."""
    folder = tmp_path / "own" / "llm"
    folder.mkdir(parents=True)
    (folder / "first-chat.json").write_text(json.dumps(own("first-chat", languages=["de"])))
    (folder / "second.json").write_text(json.dumps(own("second", description="Speaks of birds.")))
    return tmp_path / "own"


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    folder = tmp_path / "families"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def always_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FRESH", 0.0)


def test_it_finds_by_name_and_kind_whatever_the_case(small: Path) -> None:
    library = Library(small)
    assert library.find("second").name == "second"
    assert library.find("SECOND", "llm").name == "second"
    assert library.get("second", "image") is None
    assert len(library) == 2 == len(list(library))


def test_an_unknown_name_gets_close_ones(small: Path) -> None:
    with pytest.raises(InvalidValue, match="Did you mean 'first-chat'") as caught:
        Library(small).find("frist-chat")
    assert caught.value.param == "model_name"
    assert caught.value.status == 400
    assert caught.value.data["close"] == ["first-chat"]


def test_a_name_of_another_kind_says_so(small: Path) -> None:
    with pytest.raises(InvalidValue, match="it is of kind 'llm'") as caught:
        Library(small).find("second", "image", param="name")
    assert caught.value.param == "name"


def test_the_first_letters_are_a_hint_too() -> None:
    assert set(Library().near("qwen3-omni", "llm")) >= {"Qwen3-Omni-Instruct"}


def test_a_family_of_the_user_is_there_at_once_and_goes_again(small: Path, overlay: Path) -> None:
    library = Library(small, overlay)
    assert library.get("my-model") is None
    file = overlay / "my-model.json"
    file.write_text(json.dumps(own()))
    mine = library.find("my-model")
    assert not library.is_own(mine)
    assert library.is_own(library.find("second"))
    file.unlink()
    assert library.get("my-model") is None


def test_a_family_of_the_user_goes_before_ours_of_that_name(small: Path, overlay: Path) -> None:
    (overlay / "any-name.json").write_text(json.dumps(own("second", description="Mine.")))
    library = Library(small, overlay)
    assert library.find("second").description == "Mine."
    assert len(library) == 2


def test_a_changed_file_is_read_again(small: Path, overlay: Path) -> None:
    file = overlay / "my-model.json"
    file.write_text(json.dumps(own(description="Old.")))
    library = Library(small, overlay)
    assert library.find("my-model").description == "Old."
    file.write_text(json.dumps(own(description="New.")))
    os.utime(file, ns=(1, 1))  # clocks of file systems may be coarse
    assert library.find("my-model").description == "New."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        (json.dumps(own(kind="poem")), "kind"),
        (json.dumps(own() | {"specs": []}), "specs"),
        (json.dumps(own(abilities=["vision"])), "abilities"),
    ],
)
def test_a_broken_file_is_named_and_skipped(
    small: Path, overlay: Path, caplog: pytest.LogCaptureFixture, text: str, why: str
) -> None:
    (overlay / "bad.json").write_text(text)
    (overlay / "good.json").write_text(json.dumps(own()))
    library = Library(small, overlay)
    with caplog.at_level(logging.WARNING):
        assert library.find("my-model")
    assert str(overlay / "bad.json") in caplog.text
    assert why in library.broken[str(overlay / "bad.json")]
    (overlay / "bad.json").unlink()
    assert library.find("my-model")
    assert library.broken == {}


def test_two_files_of_one_name_keep_the_first(small: Path, overlay: Path) -> None:
    (overlay / "a.json").write_text(json.dumps(own(description="From a.")))
    (overlay / "b.json").write_text(json.dumps(own(description="From b.")))
    library = Library(small, overlay)
    assert library.find("my-model").description == "From a."
    assert "another file" in library.broken[str(overlay / "b.json")]


def test_a_folder_that_is_not_there_is_no_fault(small: Path, tmp_path: Path) -> None:
    library = Library(small, tmp_path / "nothing")
    assert len(library) == 2
    assert library.broken == {}


def test_a_repository_leads_to_its_family(small: Path, overlay: Path) -> None:
    found = Library().of_repository("qwen/qwen3-0.6b-gptq-int8")
    assert found is not None
    family, (spec, quantization) = found
    assert (family.name, spec.format, spec.size, quantization) == ("qwen3", "gptq", "0.6", "Int8")
    assert Library().of_repository("nobody/nothing") is None
    library = Library(small, overlay)
    assert library.of_repository("me/mine") is None
    place = {"hub": "huggingface", "id": "me/mine"}
    (overlay / "mine.json").write_text(
        json.dumps(own(specs=[{"format": "pytorch", "size": "1", "repositories": [place]}]))
    )
    assert library.of_repository("me/mine") is not None


def test_search_weighs_the_name_first(small: Path) -> None:
    library = Library(small)
    assert [family.name for family in library.search("birds")] == ["second"]
    assert [family.name for family in library.search("chat")] == ["first-chat"]
    assert [family.name for family in library.search("mine")] == ["first-chat", "second"]
    assert library.search("chat birds") == []


def test_search_by_what_a_model_can(small: Path) -> None:
    library = Library()
    both = library.search("", "llm", abilities=("vision", "tools"))
    assert len(both) >= 10
    assert all({"vision", "tools"} <= set(family.abilities) for family in both)
    assert Library(small).search(languages=("de",))[0].name == "first-chat"
    ggufs = library.search("qwen", formats=("ggufv2",))
    assert ggufs
    assert all(any(spec.format == "ggufv2" for spec in family.specs) for family in ggufs)
    assert library.search("qwen3 coder")[0].name == "Qwen3-Coder"

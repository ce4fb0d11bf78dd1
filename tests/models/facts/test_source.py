"""Facts of a source on the hubs, asked for as downloads ask, and of a node by a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.models.facts import from_dict, read_facts
from apps.models.facts.hub import HubRepository, read_source
from apps.models.facts.look import look
from apps.models.node import questions
from apps.models.node.preparation import built_in
from apps.models.node.questions import Here
from tests.files.hub import Hub
from tests.models.facts.folders import QWEN3, folder
from tests.support import tiny_gguf
from xplatform.core.config import Settings
from xplatform.core.errors import InvalidValue, MissingField, PlatformError, SourceNotFound
from xplatform.files import Source

PLAIN = Source("huggingface", "acme/plain")
MANY = Source("huggingface", "acme/many-GGUF")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return folder(
        tmp_path / "plain",
        {"config.json": QWEN3, "tokenizer_config.json": {"chat_template": "{{ tools }}"}},
        {"w": ("BF16", [1000, 1000])},
    )


@pytest.fixture
def hub(tmp_path: Path, place: Path) -> Iterator[Hub]:
    gguf = tiny_gguf.write_llama(tmp_path / "m.gguf").read_bytes()
    repos = {
        "acme/plain": {path.name: path.read_bytes() for path in place.iterdir()},
        "acme/many-GGUF": {
            "m-Q4_K_M.gguf": gguf + bytes(3 << 20),
            "m-Q8_0.gguf": gguf,
            "README.md": b"#",
        },
    }
    made = Hub(repos)
    yield made
    made.close()


@pytest.fixture
def settings(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "MODELSCOPE_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))

    def make(**changes: Any) -> Settings:
        home = str(tmp_path / "home")
        own = {"home": home, "hf_endpoint": hub.url, "modelscope_endpoint": hub.url}
        return Settings(**{**own, **changes})

    return make


@pytest.mark.parametrize("kind", ["huggingface", "modelscope"])
def test_a_repository_reads_like_the_folder_it_becomes(
    hub: Hub, settings: Callable[..., Settings], place: Path, kind: Any
) -> None:
    facts = read_source(Source(kind, "acme/plain"), settings())
    assert facts.given(name="plain") == read_facts(place)
    assert facts.name == "acme/plain"
    assert sum(hub.sent.values()) < 50_000  # of two million


def test_one_of_many_ggufs_by_its_head(hub: Hub, settings: Callable[..., Settings]) -> None:
    with pytest.raises(MissingField) as error:
        read_source(MANY, settings())
    assert error.value.data["choices"] == ["Q4_K_M", "Q8_0"]
    facts = read_source(MANY, settings(), quantization="Q4_K_M")
    assert (facts.entry, facts.family, facts.context_length) == ("m-Q4_K_M.gguf", "llama", 2048)
    assert facts.weight_bytes and facts.weight_bytes > 3 << 20
    assert hub.sent["m-Q4_K_M.gguf"] < 1 << 20
    named = Source("huggingface", "acme/many-GGUF", entry="m-Q8_0.gguf")
    assert read_source(named, settings()).quantization == "Q8_0"


def test_an_address_of_one_file(hub: Hub, settings: Callable[..., Settings]) -> None:
    address = f"{hub.url}/acme/many-GGUF/resolve/main/m-Q8_0.gguf"
    facts = read_source(Source("uri", address), settings())
    assert (facts.format, facts.quantization, facts.kind) == ("ggufv2", "Q8_0", "llm")


def test_a_hub_that_fails_at_first_is_asked_again(
    hub: Hub, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.models.facts.hub._PAUSE", 0.01)
    hub.behaviour["config.json"].statuses = [(503, {}), (429, {})]
    hub.behaviour["model.safetensors"].cuts = [4]
    assert read_source(PLAIN, settings()).family == "qwen3"


def test_a_server_without_ranges(hub: Hub, settings: Callable[..., Settings]) -> None:
    hub.behaviour["model.safetensors"].ranges = False
    assert read_source(PLAIN, settings()).parameters == 1_000_000
    repository = HubRepository(PLAIN, settings())
    whole = repository.read("config.json")
    hub.behaviour["config.json"].ranges = False
    assert repository.read("config.json", 5, 7) == whole[5:12]
    with pytest.raises(FileNotFoundError):
        repository.read("nothing.json")


def test_what_the_hub_refuses_is_said_as_downloads_say_it(
    hub: Hub, settings: Callable[..., Settings]
) -> None:
    with pytest.raises(SourceNotFound):
        read_source(Source("huggingface", "acme/absent"), settings())
    hub.gated.add("acme/plain")
    with pytest.raises(PlatformError, match="Ask for access"):
        read_source(PLAIN, settings())
    assert read_source(PLAIN, settings(hf_token="hf_good")).family == "qwen3"


def test_a_path_is_read_where_it_lies(settings: Callable[..., Settings], place: Path) -> None:
    assert read_source(Source("path", str(place)), settings()) == read_facts(place)
    file = Source("uri", place.as_uri())
    assert read_source(file, settings()) == read_facts(place)


def test_a_node_tells_of_its_own_files(settings: Callable[..., Settings], place: Path) -> None:
    questions.learn()
    agent: Any = SimpleNamespace()
    here = Here("a", settings(), agent)

    def ask(**arguments: Any) -> Any:
        told = questions.answer(here, "facts.read", arguments)["facts"]
        assert told.pop("size") and isinstance(told.pop("has_chat_template"), bool)
        return from_dict(told)

    assert ask(path=str(place)) == read_facts(place)
    assert ask(path="builtin:demo") == read_facts(built_in("demo"))
    assert ask(source={"hub": "huggingface", "id": "acme/plain"}).family == "qwen3"
    with pytest.raises(InvalidValue, match="no file or folder"):
        ask(path="/nowhere/at/all")
    with pytest.raises(InvalidValue, match="`source` does not fit"):
        ask(source={"hub": "moon"})
    with pytest.raises(InvalidValue, match="`path` or `source`"):
        ask()


def test_a_look_tells_the_files_and_what_model_they_are(
    hub: Hub, settings: Callable[..., Settings], place: Path
) -> None:
    many = look(MANY, settings())
    assert many.models == {"Q4_K_M": ["m-Q4_K_M.gguf"], "Q8_0": ["m-Q8_0.gguf"]}
    assert (many.file_count, many.quantization) == (3, "Q4_K_M")
    assert many.facts and many.facts.format == "ggufv2"
    assert look(MANY, settings(), "q8_0").quantization == "Q8_0"
    with pytest.raises(InvalidValue) as error:
        look(MANY, settings(), "Q2_K")
    assert error.value.param == "quantization"
    here = look(Source("path", str(place)), settings())
    assert here.facts and here.facts.family == "qwen3"
    (place / "config.json").unlink()
    none = look(Source("path", str(place)), settings())
    assert none.facts is None and "config.json" in none.problem


def test_a_look_at_one_file_of_a_folder_is_of_that_file(
    tmp_path: Path, settings: Callable[..., Settings]
) -> None:
    content = tiny_gguf.write_llama(tmp_path / "a-Q4_K_M.gguf").read_bytes()
    place = folder(tmp_path / "all", {"notes.md": "", "a-Q8_0.txt": ""})
    parts = [f"b-Q8_0-{number:05}-of-00002.gguf" for number in (1, 2)]
    for name in ("a-Q4_K_M.gguf", "c-Q2_K.gguf", *parts, "mmproj-f32.gguf", "mmproj-f16.gguf"):
        (place / name).write_bytes(content)

    def seen(name: str, quantization: str = "") -> Any:
        return look(Source("path", str(place / name)), settings(), quantization)

    third = seen("c-Q2_K.gguf")
    assert third.models == {"Q2_K": ["c-Q2_K.gguf"]}
    assert third.facts and third.facts.entry == "c-Q2_K.gguf"
    assert (third.quantization, third.facts.quantization) == ("Q2_K", "Q2_K")
    assert [file.path for file in third.files] == ["c-Q2_K.gguf", "mmproj-f16.gguf"]
    assert (third.file_count, third.total) == (2, 2 * len(content))
    with pytest.raises(InvalidValue) as error:
        seen("c-Q2_K.gguf", "Q8_0")
    assert error.value.data["choices"] == ["Q2_K"]
    for part in parts:
        split = seen(part)
        assert split.models == {"Q8_0": parts}
        assert split.facts and split.facts.entry == parts[0]
        assert split.file_count == 3
    (place / parts[0]).unlink()
    cut = seen(parts[1])
    assert cut.facts is None and parts[0] in cut.problem
    assert [file.path for file in cut.files] == [parts[1], "mmproj-f16.gguf"]
    text = seen("notes.md")
    assert text.facts is None and [file.path for file in text.files] == ["notes.md"]

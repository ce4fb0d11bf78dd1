"""LoRA adapters in llama.cpp, against the same model with the adapter merged into its weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.driver import Answer, EngineProcess, engine_python
from tests.engines.llama_cases import ASCII, ENGINE, greedy, loaded, refused
from tests.support.tiny_gguf import write_llama, write_lora
from xplatform.engines.protocol import Adapter, Failed

PROMPT = {"prompt": "hello world the weather"}
CHAT = {"messages": [{"role": "user", "content": "hello world"}]}
TOKENS = 24


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("lora")
    return {
        "base": write_llama(root / "base.gguf"),
        "one": write_lora(root / "one.gguf", 1),
        "two": write_lora(root / "two.gguf", 2),
        "three": write_lora(root / "three.gguf", 3),
        "merged one": write_llama(root / "merged-one.gguf", merged=1),
        "merged two": write_llama(root / "merged-two.gguf", merged=2),
    }


def adapter(files: dict[str, Path], name: str, scale: float = 1.0) -> Adapter:
    return Adapter(name, str(files[name]), scale)


@pytest.fixture(scope="module")
def engine(files: dict[str, Path]) -> Iterator[EngineProcess]:
    adapters = (adapter(files, "one"), adapter(files, "two"))
    with loaded(files["base"], slots=4, context_length=512, adapters=adapters) as made:
        yield made


def written(engine: EngineProcess, adapter: str = "") -> str:
    return engine.ask("completion", PROMPT, greedy(max_tokens=TOKENS), adapter=adapter).text()


def test_each_answers_as_its_merged_model_does(
    engine: EngineProcess, files: dict[str, Path]
) -> None:
    wanted = {}
    for adapter, model in (("", "base"), ("one", "merged one"), ("two", "merged two")):
        with loaded(files[model], slots=1, context_length=512) as alone:
            wanted[adapter] = written(alone)
    assert len(set(wanted.values())) == 3, "the adapters must make a difference"
    assert {name: written(engine, name) for name in wanted} == wanted


def test_requests_with_different_adapters_run_side_by_side(engine: EngineProcess) -> None:
    names = ["", "one", "two", "one"]
    alone = [written(engine, name) for name in names]
    answers: list[Answer] = [
        engine.submit(f"r{i}", "completion", PROMPT, greedy(max_tokens=TOKENS), adapter=name)
        for i, name in enumerate(names)
    ]
    engine.finish(*(f"r{i}" for i in range(len(names))))
    assert [answer.text() for answer in answers] == alone


def test_chat_takes_them_too(engine: EngineProcess) -> None:
    said = {
        name: engine.ask("chat", CHAT, greedy(max_tokens=TOKENS), adapter=name).text()
        for name in ("", "one", "two")
    }
    assert len(set(said.values())) == 3


def test_a_continuation_keeps_its_adapter(engine: EngineProcess) -> None:
    sampling = greedy(max_tokens=TOKENS, logit_bias=ASCII)
    whole = engine.ask("completion", PROMPT, sampling, adapter="one")
    first, half = whole.deltas[:8], sum(len(delta.tokens) for delta in whole.deltas[:8])
    rest = engine.ask(
        "completion",
        PROMPT,
        sampling,
        adapter="one",
        prefix="".join(delta.text for delta in first),
        prefix_tokens=tuple(token for delta in first for token in delta.tokens),
        prefix_count=half,
    )
    assert "".join(delta.text for delta in first) + rest.text() == whole.text()


def test_an_unknown_adapter_is_refused_with_those_there_are(engine: EngineProcess) -> None:
    answer = engine.ask("completion", PROMPT, greedy(max_tokens=1), adapter="three")
    assert "one, two" in refused(answer, "invalid", "model")


def test_detached_ones_cannot_be_named_and_new_files_need_another_start(
    files: dict[str, Path],
) -> None:
    adapters = (adapter(files, "one"), adapter(files, "two"))
    with loaded(files["base"], slots=1, context_length=512, adapters=adapters) as engine:
        plain, one, two = (written(engine, name) for name in ("", "one", "two"))
        answer = engine.set_adapters(adapter(files, "two"))
        assert (answer.names, answer.fault) == (("two",), None)
        assert engine.ask("completion", PROMPT, adapter="one").fault is not None
        assert written(engine, "two") == two
        answer = engine.set_adapters(adapter(files, "two"), adapter(files, "three"))
        assert answer.names == ("two",)
        assert answer.fault is not None
        assert answer.fault.code == "unsupported"
        # Back again, with no effect at all, and by another name.
        renamed = Adapter("again", str(files["one"]))
        engine.set_adapters(adapter(files, "two", scale=0.0), renamed)
        assert written(engine, "two") == plain
        assert written(engine, "again") == one


@pytest.mark.parametrize("what", ["missing", "not one", "of peft"])
def test_files_that_are_no_adapter_are_refused(
    files: dict[str, Path], tmp_path: Path, what: str
) -> None:
    path = tmp_path / "x.gguf"
    if what == "not one":
        path.write_bytes(b"GGUF of a kind")
    elif what == "of peft":
        path = tmp_path
        (tmp_path / "adapter_config.json").write_text("{}")
    with EngineProcess(ENGINE, engine_python(ENGINE)) as engine:
        answer = engine.load(files["base"], adapters=(Adapter("mine", str(path)),))
        assert isinstance(answer, Failed)
        assert answer.fault.code == "invalid"
        said = {"missing": "there is no file", "not one": "x.gguf", "of peft": "PEFT"}
        assert said[what] in answer.fault.message


def test_embedding_models_take_none(files: dict[str, Path], tmp_path: Path) -> None:
    model = write_llama(tmp_path / "embedding.gguf", template=None, pooling=1)
    with EngineProcess(ENGINE, engine_python(ENGINE)) as engine:
        answer = engine.load(model, kind="embedding", adapters=(adapter(files, "one"),))
        assert isinstance(answer, Failed)
        assert (answer.fault.code, answer.fault.param) == ("unsupported", "adapters")

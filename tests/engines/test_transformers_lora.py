"""LoRA adapters in the transformers engine, against models with the adapter merged in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engines.driver import EngineProcess, engine_python
from tests.engines.llama_cases import greedy
from tests.support import tiny_hf, tiny_lora
from tests.support.tiny_lora import write_adapter, write_merged
from xplatform.engines.protocol import Adapter, Failed, Ready

PROMPT = {"prompt": "hello world, the quick brown fox"}
TOKENS = 20
#: longer than a page of the cache, so that requests with the same beginning share it
LONG = {"prompt": "hello world, this is a tiny model. " * 20}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("lora")
    python = engine_python("transformers")
    hf = root / "hf"
    subprocess.run([python, tiny_hf.__file__, "make", str(hf)], check=True, capture_output=True)
    base = hf / "llama"
    one = write_adapter(root / "one", base, 1, ("q_proj", "v_proj", "down_proj"))
    two = write_adapter(root / "two", base, 2, ("gate_proj", "o_proj"))
    return {
        "": base,
        "one": one,
        "two": two,
        "merged one": write_merged(root / "merged-one", base, one),
        "merged two": write_merged(root / "merged-two", base, two, scale=0.5),
    }


@contextmanager
def loaded(model: Path, **fields: Any) -> Iterator[EngineProcess]:
    with EngineProcess("transformers", engine_python("transformers"), timeout=180) as engine:
        answer = engine.load(model, **{"slots": 4, **fields})
        assert isinstance(answer, Ready), answer
        yield engine


def adapters(files: dict[str, Path], *names: str) -> tuple[Adapter, ...]:
    return tuple(Adapter(name, str(files[name]), 0.5 if name == "two" else 1.0) for name in names)


def written(engine: EngineProcess, adapter: str = "", prompt: dict[str, str] = PROMPT) -> str:
    sampling = greedy(max_tokens=TOKENS, ignore_eos=True)
    answer = engine.ask("completion", prompt, sampling, adapter=adapter)
    assert answer.fault is None, answer.fault
    return answer.text()


@pytest.fixture(scope="module")
def wanted(files: dict[str, Path]) -> dict[str, dict[str, str]]:
    """What the merged models say: prompt → adapter → text."""
    said: dict[str, dict[str, str]] = {"short": {}, "long": {}}
    for name, model in (("", ""), ("one", "merged one"), ("two", "merged two")):
        with loaded(files[model]) as engine:
            said["short"][name] = written(engine)
            said["long"][name] = written(engine, prompt=LONG)
    assert len(set(said["short"].values())) == 3, "the adapters must make a difference"
    return said


@pytest.mark.parametrize("batching", ["continuous", "single"])
def test_each_answers_as_its_merged_model_does(
    files: dict[str, Path], wanted: dict[str, dict[str, str]], batching: str
) -> None:
    both, options = adapters(files, "one", "two"), {"batching": batching}
    with loaded(files[""], adapters=both, options=options) as engine:
        assert {name: written(engine, name) for name in wanted["short"]} == wanted["short"]
        # The cache of the same beginning is another one with an adapter.
        for name in ("", "one", "two", "", "one"):
            assert written(engine, name, LONG) == wanted["long"][name]
        names = ["one", "", "two", "one"]
        sampling = greedy(max_tokens=TOKENS, ignore_eos=True)
        answers = [
            engine.submit(f"r{i}", "completion", PROMPT, sampling, adapter=name)
            for i, name in enumerate(names)
        ]
        engine.finish(*(f"r{i}" for i in range(len(names))))
        assert [a.text() for a in answers] == [wanted["short"][name] for name in names]


def test_attach_and_detach_while_requests_run(
    files: dict[str, Path], wanted: dict[str, dict[str, str]]
) -> None:
    with loaded(files[""]) as engine:
        sampling = greedy(max_tokens=300, ignore_eos=True)
        alone = engine.ask("completion", PROMPT, sampling).text()
        running = engine.submit("long", "completion", PROMPT, sampling)
        answer = engine.set_adapters(*adapters(files, "one", "two"))
        assert (answer.names, answer.fault) == (("one", "two"), None)
        assert written(engine, "one") == wanted["short"]["one"]
        with_one = engine.ask("completion", PROMPT, sampling, adapter="one").text()
        last = engine.submit("last", "completion", PROMPT, sampling, adapter="one")
        answer = engine.set_adapters(*adapters(files, "two"))
        assert answer.names == ("two",)
        assert engine.ask("completion", PROMPT, sampling, adapter="one").fault is not None
        assert written(engine, "two") == wanted["short"]["two"]
        engine.finish("long", "last")
        assert running.text() == alone
        assert last.text() == with_one  # it keeps what it began with


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("nothing there", "adapter_config.json"),
        ("another kind", "tells of no LoRA"),
        ("dora", "use_dora"),
        ("no weights", "adapter_model.safetensors is missing"),
        ("another model", "another model's?"),
        ("half", "a half of the layer"),
        ("rubbish", "cannot be read"),
    ],
)
def test_files_that_do_not_fit_are_refused_and_change_nothing(
    files: dict[str, Path], tmp_path: Path, shared: EngineProcess, spoil: str, said: str
) -> None:
    path = tmp_path / "spoilt"
    write_adapter(path, files[""], 9, ("q_proj",))
    config, weights = path / "adapter_config.json", path / "adapter_model.safetensors"
    form = json.loads(config.read_text())
    match spoil:
        case "nothing there":
            config.unlink()
        case "another kind":
            config.write_text(json.dumps(form | {"peft_type": "IA3"}))
        case "dora":
            config.write_text(json.dumps(form | {"use_dora": True}))
        case "no weights":
            weights.unlink()
        case "another model":
            tensors = tiny_lora.read(weights)
            tiny_lora.write(weights, {n: t[:, :2] for n, t in tensors.items()})
        case "half":
            tensors = tiny_lora.read(weights)
            tensors.popitem()
            tiny_lora.write(weights, tensors)
        case "rubbish":
            weights.write_bytes(b"rubbish")
    answer = shared.set_adapters(*adapters(files, "one"), Adapter("mine", str(path)))
    assert answer.fault is not None
    assert answer.fault.code == "invalid"
    assert "'mine'" in answer.fault.message
    assert said in answer.fault.message
    assert answer.names == ()


@pytest.fixture(scope="module")
def shared(files: dict[str, Path]) -> Iterator[EngineProcess]:
    with loaded(files[""]) as engine:
        yield engine


def test_a_load_with_one_that_does_not_fit_fails(files: dict[str, Path], tmp_path: Path) -> None:
    with EngineProcess("transformers", engine_python("transformers"), timeout=180) as engine:
        answer = engine.load(files[""], adapters=(Adapter("mine", str(tmp_path)),))
        assert isinstance(answer, Failed)
        assert (answer.fault.code, answer.fault.param) == ("invalid", "adapters")

"""What the tests of the llama.cpp engine have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.engines.driver import Answer, EngineProcess, engine_python
from tests.support.tiny_gguf import SPECIALS
from xplatform.engines.protocol import Fault, Ready, Sampling

ENGINE = "llama.cpp"
DEMO = Path(__file__).resolve().parents[2] / "apps" / "models" / "demo" / "demo.gguf"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
#: bans the bytes that are no characters of their own, so that every token shows at once
ASCII = {len(SPECIALS) + byte: -100.0 for byte in range(128, 256)}


@contextmanager
def loaded(model: Path, *, name: str = ENGINE, **fields: Any) -> Iterator[EngineProcess]:
    """An engine process with the model, ready for jobs."""
    with EngineProcess(name, engine_python(name, optional=name != ENGINE)) as engine:
        answer = engine.load(model, **fields)
        assert isinstance(answer, Ready), answer
        yield engine


def greedy(**fields: Any) -> Sampling:
    return Sampling(temperature=0.0, **fields)


def refused(answer: Answer, code: str, param: str | None) -> str:
    """The message of the fault that the answer must be."""
    fault = answer.fault
    assert isinstance(fault, Fault), answer.deltas[-1]
    assert (fault.code, fault.param) == (code, param), fault
    return fault.message

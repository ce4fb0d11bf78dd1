"""The published options are those that the adapters take, with the libraries' own defaults."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engines.driver import engine_python
from xplatform.engines import fake, known_architectures, transformers_options
from xplatform.engines.options import FAKE, LLAMA_CPP, LLAMA_CPP_PYTHON, TRANSFORMERS
from xplatform.engines.rules import RULES

_PACKAGE = Path(fake.__file__).parent
_MOUNT = """
import importlib.util, json, sys
folder = sys.argv[1]
spec = importlib.util.spec_from_file_location(
    "engines", folder + "/__init__.py", submodule_search_locations=[folder]
)
package = importlib.util.module_from_spec(spec)
sys.modules["engines"] = package
spec.loader.exec_module(package)
"""


def run_in(engine: str, code: str, *, optional: bool = False) -> Any:
    """What the code prints as JSON, run in the engine's environment."""
    done = subprocess.run(
        [engine_python(engine, optional=optional), "-P", "-c", _MOUNT + code, str(_PACKAGE)],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.engine
def test_llama_cpp() -> None:
    code = """
import enum, xllamacpp
from engines.llama_options import option_names, fitting
params = xllamacpp.CommonParams()
def told(value):
    if isinstance(value, enum.Enum):
        return ["enum", value.name.lower()]
    plain = isinstance(value, bool | int | float | str)
    return [type(value).__name__, value] if plain else None
print(json.dumps({name: told(getattr(params, name, None)) for name in option_names(params)}))
"""
    taken = run_in("llama.cpp", code)
    assert {option.name for option in LLAMA_CPP} == set(taken)
    for option in LLAMA_CPP:
        said = taken[option.name]
        if said is None or option.default is None:
            continue  # made by the adapter
        kind, value = said
        assert option.type == ("str" if kind == "enum" else kind), option
        if kind == "enum":
            assert value.endswith(str(option.default)), (option, value)
        else:
            assert option.default == pytest.approx(value), option


@pytest.mark.engine
def test_every_choice_of_llama_cpp_is_taken() -> None:
    code = """
import xllamacpp
from engines.base import EngineFault
from engines.llama_options import apply_options
refused = []
for name, value in json.loads(sys.argv[2] if len(sys.argv) > 2 else CHOICES):
    try:
        apply_options(xllamacpp.CommonParams(), {name: value})
    except EngineFault as error:
        refused.append([name, value, str(error)])
print(json.dumps(refused))
"""
    choices = [(option.name, choice) for option in LLAMA_CPP for choice in option.choices]
    assert run_in("llama.cpp", f"CHOICES = {json.dumps(choices)!r}" + code) == []


@pytest.mark.engine
def test_llama_cpp_python() -> None:
    code = """
import inspect
from engines.llama_cpp_python import _CLOSED
from llama_cpp import Llama
known = inspect.signature(Llama.__init__).parameters
print(json.dumps([name for name in known if name not in _CLOSED]))
"""
    taken = run_in("llama-cpp-python", code, optional=True)
    assert {option.name for option in LLAMA_CPP_PYTHON} == set(taken)


def test_transformers() -> None:
    own = {field.name: field.default for field in dataclasses.fields(transformers_options.Options)}
    assert {option.name: option.default for option in TRANSFORMERS} == own


def test_fake() -> None:
    own = {field.name: field.default for field in dataclasses.fields(fake.Switches)}
    assert {option.name: option.default for option in FAKE} == own


@pytest.mark.engine
def test_architectures_that_transformers_loads_as_text_models() -> None:
    code = """
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as known
classes = set()
for value in known.values():
    classes |= {value} if isinstance(value, str) else set(value)
print(json.dumps([sorted(known), sorted(classes)]))
"""
    families, classes = run_in("transformers", code)
    assert set(families) == known_architectures.TRANSFORMERS_CAUSAL
    assert set(classes) == known_architectures.TRANSFORMERS_CAUSAL_CLASSES


@pytest.mark.engine
def test_architectures_that_llama_cpp_loads() -> None:
    # Its library has no list to ask; every name stands in its binary.
    folder = run_in("llama.cpp", "import xllamacpp; print(json.dumps(xllamacpp.__file__))")
    (binary,) = Path(folder).parent.glob("*.so")
    data = binary.read_bytes()
    absent = [name for name in known_architectures.LLAMA_CPP if name.encode() not in data]
    assert absent == []


@pytest.mark.engine
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other packages")
def test_what_llama_cpp_is_built_for() -> None:
    code = """
import xllamacpp
print(json.dumps([device["type"].name for device in xllamacpp.get_device_info()]))
"""
    kinds = {name.rpartition("_")[2].lower() for name in run_in("llama.cpp", code)}
    assert kinds <= set(RULES["llama.cpp"].devices), kinds

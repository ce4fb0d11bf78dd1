"""Which engine can run a model on a machine, and why another cannot.

One table for all engines that users know, those that this version does not have included: they
see why their favourite is not offered. Standard library only; what is asked about a model and a
machine is said by two small protocols, so that this side knows nothing of the server's records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from .known_architectures import (
    LLAMA_CPP,
    SGLANG,
    TRANSFORMERS_CAUSAL,
    TRANSFORMERS_CAUSAL_CLASSES,
    VLLM,
)
from .options import OPTIONS, Option
from .registry import ENGINES

NOT_HERE: Final = "not in this version of xplatform"


class ModelPicture(Protocol):
    """What the rules look at of a model. An empty text: nobody knows, so nothing is refused."""

    @property
    def kind(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def architecture(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def quantization(self) -> str: ...
    @property
    def remote_code(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Machine:
    """What the rules look at of a node."""

    name: str = ""
    #: linux, darwin, windows
    system: str = "linux"
    #: kinds of its devices: cpu, cuda, rocm, metal, …
    devices: frozenset[str] = frozenset({"cpu"})
    #: the highest generation of its CUDA devices: 8.9
    capability: float = 0.0
    #: environments that are installed: engine → version
    engines: tuple[tuple[str, str], ...] = ()

    def has(self, engine: str) -> bool:
        entry = ENGINES.get(engine)
        if entry is not None and entry.requirements is None:
            return True
        return any(name == engine for name, _ in self.engines)


@dataclass(frozen=True, slots=True)
class EngineMatch:
    engine: str
    ok: bool
    #: why not; empty when it can
    reason: str
    #: what may be set at a launch, for this kind of model
    options: tuple[Option, ...]
    #: its environment is there already; else the first launch installs it
    installed: bool
    #: packages that its environment needs beyond its own, for this format
    packages: tuple[str, ...] = ()
    #: part of this version at all
    available: bool = True


#: a reason, or None
Check = Callable[[ModelPicture, Machine], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    engine: str
    kinds: tuple[str, ...]
    formats: tuple[str, ...]
    #: in the order in which people would look for a reason
    checks: tuple[Check, ...] = ()
    #: format → packages
    packages: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: kinds of devices that its environment is built for; empty: whatever there is
    devices: tuple[str, ...] = ()

    def reason(self, model: ModelPicture, machine: Machine) -> str | None:
        if model.kind and model.kind not in self.kinds:
            return f"serves {_list(self.kinds)} models, not {model.kind}"
        if model.format and model.format not in self.formats:
            return f"reads {_list(self.formats)}, not {model.format}"
        if self.devices and not machine.devices & set(self.devices):
            return f"is built for {_list(self.devices)} in this version"
        for check in self.checks:
            reason = check(model, machine)
            if reason is not None:
                return reason
        return None


def match(
    model: ModelPicture, machine: Machine, engines: Iterable[str] | None = None
) -> list[EngineMatch]:
    """Every engine with its verdict, those that can first. The fake engine is among them only
    when ``engines`` names it."""
    names = [name for name in RULES if name != "fake"] if engines is None else list(engines)
    found = [_verdict(RULES[name], model, machine) for name in names if name in RULES]
    return sorted(found, key=lambda entry: (not entry.ok, not entry.available))


def why_not(engine: str, model: ModelPicture, machine: Machine | None = None) -> str | None:
    """Why this engine cannot run the model, or None. Without a machine only the model counts."""
    rule = RULES[engine]
    if machine is not None:
        return rule.reason(model, machine)
    return next(
        (None for able in _ANY if rule.reason(model, able) is None),
        rule.reason(model, _ANY[0]),
    )


@dataclass(frozen=True, slots=True)
class _AnyModel:
    """Of which nothing is known, so that only the machine counts."""

    kind: str = ""
    family: str = ""
    architecture: str = ""
    format: str = ""
    quantization: str = ""
    remote_code: bool = False


def why_not_on(engine: str, machine: Machine) -> str | None:
    """Why this engine runs no model at all on the machine, or None."""
    return RULES[engine].reason(_AnyModel(), machine)


def uses(engine: str, device: str) -> bool:
    """Whether the engine, as its environment is built, computes on devices of this kind."""
    rule = RULES[engine]
    return not rule.devices or device in rule.devices


def in_this_version(engine: str) -> bool:
    return engine in ENGINES


def _verdict(rule: Rule, model: ModelPicture, machine: Machine) -> EngineMatch:
    reason = rule.reason(model, machine)
    available = in_this_version(rule.engine)
    if not available:
        reason = NOT_HERE + (f"; and it {reason}" if reason else "")
    options = OPTIONS.get(rule.engine, ())
    return EngineMatch(
        engine=rule.engine,
        ok=reason is None,
        reason=reason or "",
        options=tuple(option for option in options if option.fits(model.kind)),
        installed=machine.has(rule.engine),
        packages=dict(rule.packages).get(model.format, ()),
        available=available,
    )


# --- reasons ---------------------------------------------------------------------------------


def _linux(model: ModelPicture, machine: Machine) -> str | None:
    return None if machine.system == "linux" else f"runs on Linux, not on {machine.system}"


def _apple(model: ModelPicture, machine: Machine) -> str | None:
    return None if "metal" in machine.devices else "needs Apple silicon"


def _cuda(model: ModelPicture, machine: Machine) -> str | None:
    return None if "cuda" in machine.devices else "needs an NVIDIA GPU"


def _gpu(model: ModelPicture, machine: Machine) -> str | None:
    return None if machine.devices & {"cuda", "rocm"} else "needs an NVIDIA or AMD GPU"


def _cuda_for(*formats: str) -> Check:
    def check(model: ModelPicture, machine: Machine) -> str | None:
        if model.format in formats and "cuda" not in machine.devices:
            return f"needs an NVIDIA GPU for {model.format} weights"
        return None

    return check


def _generation(format: str, least: float, called: str) -> Check:
    def check(model: ModelPicture, machine: Machine) -> str | None:
        if model.format != format or not machine.capability or machine.capability >= least:
            return None
        return (
            f"needs a GPU of compute capability {least} ({called}) or newer for {format} weights;"
            f" this machine has {machine.capability}"
        )

    return check


def _classes(names: frozenset[str]) -> Check:
    def check(model: ModelPicture, machine: Machine) -> str | None:
        own = model.architecture
        if model.kind not in ("llm", "") or not own or own in names or model.format == "ggufv2":
            return None
        return f"does not know the architecture {own}"

    return check


def _causal(model: ModelPicture, machine: Machine) -> str | None:
    """A catalogue names classes, a model's own files the family, too. Code that comes with the
    model makes any architecture known."""
    if model.kind not in ("llm", "") or model.remote_code:
        return None
    if model.family in TRANSFORMERS_CAUSAL or model.architecture in TRANSFORMERS_CAUSAL_CLASSES:
        return None
    own = model.architecture or model.family
    return f"does not know the architecture {own} as a text model" if own else None


def _llama_architecture(model: ModelPicture, machine: Machine) -> str | None:
    own = model.family
    if model.format != "ggufv2" or not own or own in LLAMA_CPP:
        return None
    return f"does not know the architecture {own}"


def _bits(format: str, *allowed: int) -> Check:
    def check(model: ModelPicture, machine: Machine) -> str | None:
        digits = "".join(mark for mark in model.quantization if mark.isdigit())
        if model.format != format or not digits or int(digits) in allowed:
            return None
        widths = _list([str(bits) for bits in allowed])
        return f"reads {format} weights of {widths} bits, not {digits}"

    return check


def _plain(model: ModelPicture, machine: Machine) -> str | None:
    if model.format == "pytorch" and model.quantization.lower() not in ("", "none"):
        return f"does not quantize while loading ({model.quantization})"
    return None


def _text_gguf(model: ModelPicture, machine: Machine) -> str | None:
    if model.format == "ggufv2" and model.kind != "llm":
        return "reads GGUF for language models only"
    return None


def _list(names: Iterable[str]) -> str:
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# --- the engines -----------------------------------------------------------------------------

#: The registry's package for Linux is the one without CUDA: a GPU beside it stays idle, and must
#: not be taken for the place of the model.
_LLAMA_DEVICES = ("cpu", "metal")
_UNQUANTIZED_SOURCES = ("pytorch", "gptq", "awq", "bnb", "fp8", "fp4")

RULES: Final[dict[str, Rule]] = {
    rule.engine: rule
    for rule in (
        Rule(
            "llama.cpp", ("llm", "embedding"), ("ggufv2",), (_llama_architecture,),
            devices=_LLAMA_DEVICES,
        ),
        Rule(
            "llama-cpp-python", ("llm", "embedding"), ("ggufv2",), (_llama_architecture,),
            devices=_LLAMA_DEVICES,
        ),
        Rule(
            "transformers", ("llm", "embedding"), _UNQUANTIZED_SOURCES,
            (
                _plain,
                _causal,
                _cuda_for("gptq", "awq", "fp8"),
                _generation("fp8", 8.9, "Ada, Hopper"),
            ),
            (
                ("gptq", ("gptqmodel",)), ("awq", ("gptqmodel",)),
                ("bnb", ("bitsandbytes",)), ("fp4", ("kernels",)),
            ),
        ),
        Rule(
            "vllm", ("llm", "embedding", "rerank"), (*_UNQUANTIZED_SOURCES, "ggufv2"),
            (
                _linux, _gpu, _text_gguf, _plain, _bits("gptq", 3, 4, 8), _bits("awq", 4),
                _classes(VLLM),
                _generation("fp8", 7.5, "Turing"),
            ),
        ),
        Rule(
            "sglang", ("llm", "embedding"), ("pytorch", "gptq", "awq", "fp8", "bnb"),
            (
                _linux, _cuda, _plain, _bits("gptq", 4, 8), _bits("awq", 4),
                _classes(SGLANG),
                _generation("fp8", 8.9, "Ada, Hopper"),
            ),
        ),
        Rule("mlx", ("llm",), ("mlx",), (_apple,)),
        Rule("lmdeploy", ("llm",), ("pytorch", "awq", "gptq"), (_linux, _cuda)),
        Rule("tensorrt-llm", ("llm",), ("pytorch", "fp8", "fp4"), (_linux, _cuda)),
        Rule("diffusers", ("image", "video"), ("pytorch", "ggufv2")),
        Rule("fake", ("llm", "embedding"), (*_UNQUANTIZED_SOURCES, "ggufv2", "mlx")),
    )
}  # fmt: skip

#: machines between which every need can be met
_ANY: Final = (
    Machine(devices=frozenset({"cpu", "cuda", "rocm"}), capability=12.0),
    Machine(system="darwin", devices=frozenset({"cpu", "metal"})),
)

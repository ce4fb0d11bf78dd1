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
from .reason import Reason
from .registry import ENGINES

NOT_HERE: Final = Reason("not_here", "not in this version of xplatform")


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
    reasons: tuple[Reason, ...]
    #: what may be set at a launch, for this kind of model
    options: tuple[Option, ...]
    #: its environment is there already; else the first launch installs it
    installed: bool
    #: packages that its environment needs beyond its own, for this format
    packages: tuple[str, ...] = ()
    #: part of this version at all
    available: bool = True

    @property
    def reason(self) -> str:
        return "; and it ".join(map(str, self.reasons))


#: a reason, or None
Check = Callable[[ModelPicture, Machine], Reason | None]


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

    def reason(self, model: ModelPicture, machine: Machine) -> Reason | None:
        if model.kind and model.kind not in self.kinds:
            return Reason(
                "wrong_kind",
                f"serves {_list(self.kinds)} models, not {model.kind}",
                kinds=self.kinds,
                kind=model.kind,
            )
        if model.format and model.format not in self.formats:
            return Reason(
                "wrong_format",
                f"reads {_list(self.formats)}, not {model.format}",
                formats=self.formats,
                format=model.format,
            )
        if self.devices and not machine.devices & set(self.devices):
            text = f"is built for {_list(self.devices)} in this version"
            return Reason("other_devices", text, devices=self.devices)
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


def why_not(engine: str, model: ModelPicture, machine: Machine | None = None) -> Reason | None:
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


def why_not_on(engine: str, machine: Machine) -> Reason | None:
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
    found = (None if available else NOT_HERE, reason)
    options = OPTIONS.get(rule.engine, ())
    return EngineMatch(
        engine=rule.engine,
        ok=available and reason is None,
        reasons=tuple(one for one in found if one is not None),
        options=tuple(option for option in options if option.fits(model.kind)),
        installed=machine.has(rule.engine),
        packages=dict(rule.packages).get(model.format, ()),
        available=available,
    )


# --- reasons ---------------------------------------------------------------------------------


def _linux(model: ModelPicture, machine: Machine) -> Reason | None:
    if machine.system == "linux":
        return None
    return Reason("needs_linux", f"runs on Linux, not on {machine.system}", system=machine.system)


def _apple(model: ModelPicture, machine: Machine) -> Reason | None:
    return None if "metal" in machine.devices else Reason("needs_apple", "needs Apple silicon")


def _cuda(model: ModelPicture, machine: Machine) -> Reason | None:
    return None if "cuda" in machine.devices else Reason("needs_nvidia", "needs an NVIDIA GPU")


def _gpu(model: ModelPicture, machine: Machine) -> Reason | None:
    if machine.devices & {"cuda", "rocm"}:
        return None
    return Reason("needs_gpu", "needs an NVIDIA or AMD GPU")


def _cuda_for(*formats: str) -> Check:
    def check(model: ModelPicture, machine: Machine) -> Reason | None:
        if model.format in formats and "cuda" not in machine.devices:
            text = f"needs an NVIDIA GPU for {model.format} weights"
            return Reason("needs_nvidia_for", text, format=model.format)
        return None

    return check


def _generation(format: str, least: float, called: str) -> Check:
    def check(model: ModelPicture, machine: Machine) -> Reason | None:
        if model.format != format or not machine.capability or machine.capability >= least:
            return None
        return Reason(
            "needs_newer_gpu",
            f"needs a GPU of compute capability {least} ({called}) or newer for {format} weights;"
            f" this machine has {machine.capability}",
            least=least,
            called=called,
            format=format,
            has=machine.capability,
        )

    return check


def _classes(names: frozenset[str]) -> Check:
    def check(model: ModelPicture, machine: Machine) -> Reason | None:
        own = model.architecture
        if model.kind not in ("llm", "") or not own or own in names or model.format == "ggufv2":
            return None
        return _unknown(own)

    return check


def _causal(model: ModelPicture, machine: Machine) -> Reason | None:
    """A catalogue names classes, a model's own files the family, too. Code that comes with the
    model makes any architecture known."""
    if model.kind not in ("llm", "") or model.remote_code:
        return None
    if model.family in TRANSFORMERS_CAUSAL or model.architecture in TRANSFORMERS_CAUSAL_CLASSES:
        return None
    own = model.architecture or model.family
    if not own:
        return None
    text = f"does not know the architecture {own} as a text model"
    return Reason("unknown_text_architecture", text, architecture=own)


def _llama_architecture(model: ModelPicture, machine: Machine) -> Reason | None:
    own = model.family
    if model.format != "ggufv2" or not own or own in LLAMA_CPP:
        return None
    return _unknown(own)


def _unknown(architecture: str) -> Reason:
    text = f"does not know the architecture {architecture}"
    return Reason("unknown_architecture", text, architecture=architecture)


def _bits(format: str, *allowed: int) -> Check:
    def check(model: ModelPicture, machine: Machine) -> Reason | None:
        digits = "".join(mark for mark in model.quantization if mark.isdigit())
        if model.format != format or not digits or int(digits) in allowed:
            return None
        widths = tuple(str(bits) for bits in allowed)
        return Reason(
            "wrong_bits",
            f"reads {format} weights of {_list(widths)} bits, not {digits}",
            format=format,
            widths=widths,
            bits=digits,
        )

    return check


def _plain(model: ModelPicture, machine: Machine) -> Reason | None:
    if model.format == "pytorch" and model.quantization.lower() not in ("", "none"):
        text = f"does not quantize while loading ({model.quantization})"
        return Reason("no_quantizing", text, quantization=model.quantization)
    return None


def _text_gguf(model: ModelPicture, machine: Machine) -> Reason | None:
    if model.format == "ggufv2" and model.kind != "llm":
        return Reason("gguf_for_text", "reads GGUF for language models only")
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

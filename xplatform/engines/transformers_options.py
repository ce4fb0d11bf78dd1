"""The options a user may give the transformers engine, checked before anything heavy is loaded."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from .base import EngineFault
from .options import TRANSFORMERS


@dataclass(frozen=True, slots=True)
class Options:
    #: auto: what the model was saved in; on a CPU half precision becomes float32
    dtype: str = "auto"
    #: auto: cuda, else mps, else cpu
    device: str = "auto"
    attn_implementation: str | None = None
    #: run code that comes with the model; never by itself
    trust_remote_code: bool = False
    #: threads of the CPU; None: one for small models, else one a core
    threads: int | None = None
    #: auto: continuous where the model can, else one request at a time
    batching: str = "auto"
    #: pages of the cache; None: enough for all slots, as memory allows
    num_blocks: int | None = None
    page_size: int = 32
    #: tokens a step may compute, all requests together; longer prompts take several steps
    max_batch_tokens: int | None = None
    max_batch_texts: int = 64
    #: cut long texts instead of refusing them
    truncate: bool = False

    @classmethod
    def parse(cls, given: dict[str, Any], kind: str) -> Options:
        known = {option.name: option for option in TRANSFORMERS if option.fits(kind)}
        for name, value in given.items():
            if name not in known:
                raise _refusal(name, list(known), kind)
            problem = known[name].problem(value)
            if problem is not None:
                raise EngineFault("invalid", problem, param=name)
        return cls(**given)


def _refusal(name: str, known: list[str], kind: str) -> EngineFault:
    close = difflib.get_close_matches(name, known, n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else f"; known: {', '.join(known)}"
    return EngineFault(
        "invalid", f"transformers has no option {name!r} for {kind} models{hint}", param=name
    )

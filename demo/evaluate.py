"""Ask the demo model held-out questions through llama.cpp and print how many it gets right.

python evaluate.py ../apps/models/demo/demo.gguf
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xllamacpp
from corpus import conversation
from questions import LONG, MULTI, SINGLE, TOOL_CALLS

SYSTEMS = (None, "You are a helpful assistant.")
MOST_TOKENS = 500


@dataclass(frozen=True)
class Verdict:
    kind: str
    question: str
    passed: bool
    answer: str


class Model:
    def __init__(self, path: Path, threads: int) -> None:
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = 1024
        params.n_parallel = 1
        params.n_gpu_layers = 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.use_jinja = True
        params.warmup = False
        params.verbosity = 0
        self.server = xllamacpp.Server(params)
        self.tokens = 0
        self.milliseconds = 0.0

    def ask(self, messages: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
        """One answer at temperature 0: the first choice, with its `usage` beside it."""
        reply = self.server.handle_chat_completions(
            {"messages": messages, "temperature": 0, "max_tokens": MOST_TOKENS, **options}
        )
        if "choices" not in reply:
            raise RuntimeError(f"llama.cpp refused the request: {reply}")
        self.tokens += reply["timings"]["predicted_n"]
        self.milliseconds += reply["timings"]["predicted_ms"]
        choice: dict[str, Any] = reply["choices"][0]
        return {**choice, "usage": reply["usage"]}


def holds(answer: str, expected: str) -> bool:
    """`a b` needs both words; `a|b` either phrase."""
    text = answer.lower()
    if "|" in expected:
        return any(phrase in text for phrase in expected.split("|"))
    return expected in text or all(word in text for word in expected.split())


def opening(system: str | None) -> list[dict[str, Any]]:
    return [{"role": "system", "content": system}] if system else []


def said(choice: dict[str, Any]) -> str:
    return choice["message"].get("content") or ""


def single(model: Model, system: str | None) -> Iterator[Verdict]:
    for question, expected in SINGLE:
        choice = model.ask([*opening(system), {"role": "user", "content": question}])
        passed = holds(said(choice), expected) and choice["finish_reason"] == "stop"
        yield Verdict("single", question, passed, said(choice))


def multi(model: Model, system: str | None) -> Iterator[Verdict]:
    for questions, expected in MULTI:
        messages = opening(system)
        for question in questions:
            messages.append({"role": "user", "content": question})
            choice = model.ask(messages)
            messages.append({"role": "assistant", "content": said(choice)})
        passed = holds(said(choice), expected) and choice["finish_reason"] == "stop"
        yield Verdict("multi-turn", " / ".join(questions), passed, said(choice))


def long(model: Model, system: str | None) -> Iterator[Verdict]:
    for question, least in LONG:
        choice = model.ask([*opening(system), {"role": "user", "content": question}])
        length = choice["usage"]["completion_tokens"]
        passed = length >= least and choice["finish_reason"] == "stop"
        yield Verdict("long", question, passed, f"({length} tokens) {said(choice)}")


def tool_calls(model: Model, system: str | None) -> Iterator[Verdict]:
    for question, tools, name, arguments in TOOL_CALLS:
        choice = model.ask([*opening(system), {"role": "user", "content": question}], tools=tools)
        calls = choice["message"].get("tool_calls") or []
        shown = json.dumps([call["function"] for call in calls]) if calls else said(choice)
        if name is None:
            passed = not calls and choice["finish_reason"] == "stop"
        else:
            passed = (
                choice["finish_reason"] == "tool_calls"
                and len(calls) == 1
                and calls[0]["function"]["name"] == name
                and json.loads(calls[0]["function"]["arguments"]) == arguments
            )
        yield Verdict("tools", question, passed, shown)


def bare(question: str) -> str:
    return "".join(c for c in question.lower() if c.isalnum() or c == " ").strip()


def seen_in_training(draws: int) -> set[str]:
    """The held-out questions that come up, letter for letter, in so many drawn conversations."""
    rng = random.Random(1)
    held_out = {bare(question) for question, _ in SINGLE}
    drawn = (m["content"] for _ in range(draws) for m in conversation(rng).messages)
    return held_out.intersection(bare(text) for text in drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="GGUF file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="print every answer")
    parser.add_argument("--overlap", type=int, default=0, metavar="N",
                        help="also look for the questions in N training conversations")  # fmt: skip
    options = parser.parse_args()

    model = Model(options.model, options.threads)
    began = time.monotonic()
    verdicts = [
        verdict
        for system in SYSTEMS
        for part in (single, multi, long, tool_calls)
        for verdict in part(model, system)
    ]
    for verdict in verdicts:
        if options.verbose or not verdict.passed:
            mark = "ok  " if verdict.passed else "FAIL"
            print(f"{mark} [{verdict.kind}] {verdict.question}\n       -> {verdict.answer}")
    for kind in dict.fromkeys(verdict.kind for verdict in verdicts):
        of_kind = [verdict.passed for verdict in verdicts if verdict.kind == kind]
        print(f"{kind:10} {sum(of_kind)}/{len(of_kind)}")
    passed = sum(verdict.passed for verdict in verdicts)
    speed = model.tokens / model.milliseconds * 1000
    print(f"passed {passed}/{len(verdicts)} = {passed / len(verdicts):.1%}, {speed:.0f} tok/s, "
          f"{time.monotonic() - began:.0f} s")  # fmt: skip
    if options.overlap:
        seen = seen_in_training(options.overlap)
        print(f"{len(seen)} of {len(SINGLE)} questions came up in training: {sorted(seen)}")


if __name__ == "__main__":
    main()

"""The transformers adapter in a real engine process, driven over its socket.

Needs an environment ``transformers-<version>`` in the folder that XPLATFORM_TEST_ENGINES names.
What the libraries do on their own (``generate``, ``encode``) is asked in that environment and is
what the adapter must equal.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.driver import Answer, EngineProcess, engine_python
from xplatform.engines.protocol import Failed, Fault, Ready, Sampling

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SUPPORT = Path(__file__).parents[1] / "support" / "tiny_hf.py"
HELLO = [{"role": "user", "content": "hello world"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
GREEDY = {"temperature": 0.0}
_numbers = itertools.count()


# --- the models, and what the libraries make of them -----------------------------------------


@pytest.fixture(scope="session")
def python() -> str:
    return engine_python("transformers")


@pytest.fixture(scope="session")
def models(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = os.environ.get("XPLATFORM_TEST_MODELS")
    folder = Path(cache) / "hf" if cache else tmp_path_factory.mktemp("models") / "hf"
    subprocess.run([python, str(SUPPORT), "make", str(folder)], check=True, capture_output=True)
    return folder


class Truth:
    """The libraries on their own, in one process for all tests."""

    def __init__(self, python: str, models: Path) -> None:
        self.process = subprocess.Popen(
            [python, str(SUPPORT), "expect", str(models)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, *questions: dict[str, Any]) -> list[Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(questions) + "\n")
        self.process.stdin.flush()
        answers: list[Any] = json.loads(self.process.stdout.readline())
        return answers


@pytest.fixture(scope="session")
def truth(python: str, models: Path) -> Iterator[Truth]:
    truth = Truth(python, models)
    with truth.process:
        yield truth
        assert truth.process.stdin is not None
        truth.process.stdin.close()


# --- engines ---------------------------------------------------------------------------------


class Client:
    """Short words for what the tests ask."""

    def __init__(self, engine: EngineProcess, ready: Ready) -> None:
        self.engine = engine
        self.ready = ready

    def start(self, kind: str, payload: dict[str, Any], **more: Any) -> str:
        rid = f"r{next(_numbers)}"
        extra = {
            name: more.pop(name)
            for name in ("stream", "prefix", "prefix_tokens", "prefix_count")
            if name in more
        }
        self.engine.submit(rid, kind, payload, Sampling(**more), **extra)
        return rid

    def answer(self, rid: str) -> Answer:
        self.engine.finish(rid)
        return self.engine.answers[rid]

    def chat(self, messages: list[dict[str, Any]] = HELLO, **more: Any) -> Answer:
        payload = {"messages": messages, **more.pop("payload", {})}
        return self.answer(self.start("chat", payload, **more))

    def complete(self, prompt: str | list[int], **more: Any) -> Answer:
        payload = {"prompt": prompt, **more.pop("payload", {})}
        return self.answer(self.start("completion", payload, **more))

    def embed(self, *inputs: Any, **payload: Any) -> Answer:
        return self.answer(self.start("embedding", {"inputs": list(inputs), **payload}))

    def tokens(self, text: str) -> list[int]:
        tokens: list[int] = self.answer(self.start("tokenize", {"text": text})).result["tokens"]
        return tokens


def serve(python: str, model: Path, kind: str = "llm", **load: Any) -> Iterator[Client]:
    with EngineProcess("transformers", python, timeout=120) as engine:
        ready = engine.load(model, kind=kind, **load)
        assert isinstance(ready, Ready), ready
        yield Client(engine, ready)


@pytest.fixture(scope="module")
def llama(python: str, models: Path) -> Iterator[Client]:
    yield from serve(python, models / "llama", slots=8)


@pytest.fixture(scope="module")
def mamba(python: str, models: Path) -> Iterator[Client]:
    yield from serve(python, models / "mamba", slots=2)


@pytest.fixture(scope="module")
def embedder(python: str, models: Path) -> Iterator[Client]:
    yield from serve(python, models / "embedder", kind="embedding", slots=32)


def vectors(answer: Answer) -> list[list[float]]:
    width = answer.result["dimensions"]
    raw = answer.result["vectors"]
    flat = struct.unpack(f"<{len(raw) // 4}f", raw)
    return [list(flat[start : start + width]) for start in range(0, len(flat), width)]


# --- loading ---------------------------------------------------------------------------------


def refusal(python: str, model: Path | str, **load: Any) -> Fault:
    with EngineProcess("transformers", python) as engine:
        failed = engine.load(model, **load)
        assert isinstance(failed, Failed), failed
        return failed.fault


def test_ready_tells_what_the_model_can_do(llama: Client, mamba: Client) -> None:
    assert llama.ready.context_length == 512
    assert {"chat", "tools", "reasoning", "continuation"} <= set(llama.ready.capabilities.abilities)
    assert "seed" in llama.ready.capabilities.parameters
    assert "response_format" not in llama.ready.capabilities.parameters
    assert llama.ready.details["batching"] == "continuous"
    assert mamba.ready.details["batching"] == "single"


def test_a_folder_that_is_not_there(python: str, tmp_path: Path) -> None:
    fault = refusal(python, tmp_path / "nowhere")
    assert fault.code == "invalid"
    assert "does not exist" in fault.message


def test_a_folder_without_config(python: str, tmp_path: Path) -> None:
    fault = refusal(python, tmp_path)
    assert fault.code == "invalid"
    assert "config.json" in fault.message


def test_a_folder_without_weights(python: str, models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "llama", tmp_path / "m", ignore=shutil.ignore_patterns("*.safe*"))
    fault = refusal(python, tmp_path / "m")
    assert fault.code == "invalid"
    assert "model.safetensors" in fault.message


def test_an_architecture_nobody_knows(python: str, models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "llama", tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_text(json.dumps({**config, "model_type": "zzz"}))
    fault = refusal(python, tmp_path / "m")
    assert fault.code == "unsupported"
    assert "zzz" in fault.message


def test_code_that_comes_with_a_model_is_not_run(python: str, models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "llama", tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    config["model_type"] = "mine"
    config["auto_map"] = {"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.Model"}
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    (tmp_path / "m" / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    fault = refusal(python, tmp_path / "m")
    assert (fault.code, fault.param) == ("unsupported", "trust_remote_code")
    assert not (tmp_path / "ran").exists()


def test_an_unknown_option_is_refused_with_its_neighbours(python: str, models: Path) -> None:
    fault = refusal(python, models / "llama", options={"num_block": 5})
    assert (fault.code, fault.param) == ("invalid", "num_block")
    assert "num_blocks" in fault.message


@pytest.mark.parametrize(
    "option", [{"dtype": "int4"}, {"num_blocks": "many"}, {"page_size": 0}, {"device": "cuda:99"}]
)
def test_a_bad_option_is_refused(python: str, models: Path, option: dict[str, Any]) -> None:
    fault = refusal(python, models / "llama", options=option)
    assert (fault.code, fault.param) == ("invalid", next(iter(option)))


def test_a_longer_context_than_the_model_has_is_refused(python: str, models: Path) -> None:
    fault = refusal(python, models / "llama", context_length=10_000)
    assert (fault.code, fault.param) == ("invalid", "context_length")


def test_no_chat_template(python: str, models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "llama", tmp_path / "m", ignore=shutil.ignore_patterns("*.jinja"))
    for client in serve(python, tmp_path / "m", slots=1):
        assert "chat" not in client.ready.capabilities.abilities
        fault = client.chat(**GREEDY).fault
        assert fault is not None
        assert fault.code == "unsupported"
        assert "template" in fault.message
        assert client.complete("hello", max_tokens=3).fault is None


# --- generating ------------------------------------------------------------------------------


def test_chat_equals_plain_generate(llama: Client, truth: Truth) -> None:
    (prompt,) = truth.ask({"kind": "chat", "model": "llama", "messages": HELLO})
    (expected,) = truth.ask({"kind": "generate", "model": "llama", "prompt": prompt, "count": 60})
    answer = llama.chat(max_tokens=60, **GREEDY)
    assert answer.tokens == expected
    assert answer.usage.prompt_tokens == len(prompt)
    assert answer.usage.completion_tokens == len(expected)


def test_penalties_and_long_prompts_equal_plain_generate(llama: Client, truth: Truth) -> None:
    prompt = llama.tokens("the quick brown fox jumps " * 40)[:400]  # several prefill steps
    (expected,) = truth.ask(
        {
            "kind": "generate",
            "model": "llama",
            "prompt": prompt,
            "count": 40,
            "more": {"repetition_penalty": 1.7},
        }
    )
    answer = llama.complete(prompt, max_tokens=40, repetition_penalty=1.7, **GREEDY)
    assert answer.tokens == expected


def test_stream_equals_whole(llama: Client) -> None:
    wishes = {"max_tokens": 50, "seed": 5, "temperature": 1.0, "logprobs": 1}
    stream, whole = llama.chat(**wishes), llama.chat(stream=False, **wishes)
    assert len(stream.deltas) > 10
    assert len(whole.deltas) == 1
    assert stream.text() == whole.text()
    assert stream.tokens == whole.tokens
    assert stream.finish() == whole.finish()
    assert len(stream.logprobs) == len(whole.logprobs)


def test_text_is_the_decode_of_the_tokens(llama: Client) -> None:
    for seed in range(4):
        answer = llama.complete("hello", max_tokens=80, seed=seed, temperature=1.5, ignore_eos=True)
        special = [0, 1, 2]
        tokens = [token for token in answer.tokens if token not in special]
        result = llama.answer(llama.start("detokenize", {"tokens": tokens})).result
        assert answer.text() == result["text"]


def test_max_tokens(llama: Client) -> None:
    answer = llama.complete("hello", max_tokens=7, ignore_eos=True)
    assert (len(answer.tokens), answer.finish()) == (7, "length")
    assert answer.usage.completion_tokens == 7
    nothing = llama.complete("hello", max_tokens=0)
    assert (nothing.tokens, nothing.finish()) == ([], "length")


def test_end_of_answer_is_stop_and_not_shown(llama: Client) -> None:
    answer = llama.complete("hello", max_tokens=5, logit_bias={2: 1000.0}, logprobs=0)
    assert (answer.text(), answer.finish()) == ("", "stop")
    assert answer.usage.completion_tokens == 1
    assert answer.logprobs == []


def test_stop_string_across_tokens(llama: Client) -> None:
    wishes = {"max_tokens": 60, "seed": 3, "ignore_eos": True}
    plain = llama.complete("hello", **wishes)
    pieces = [delta.text for delta in plain.deltas if len(delta.text) > 1]
    stop = pieces[8][-1] + pieces[9][:1]
    assert stop in plain.text()
    for stream in (True, False):
        answer = llama.complete("hello", stop=(stop,), stream=stream, **wishes)
        assert answer.text() == plain.text().partition(stop)[0]
        assert answer.finish() == "stop"
    unmet = llama.complete("hello", stop=("no such text",), **wishes)
    assert (unmet.text(), unmet.finish()) == (plain.text(), "length")


def test_seed(llama: Client) -> None:
    wishes = {"max_tokens": 40, "temperature": 1.0, "ignore_eos": True}
    first, second, other = (llama.complete("hello", seed=seed, **wishes) for seed in (1, 1, 2))
    assert first.tokens == second.tokens
    assert first.tokens != other.tokens


def test_seed_holds_in_company(llama: Client) -> None:
    wishes = {"max_tokens": 40, "temperature": 1.0, "ignore_eos": True}
    alone = llama.complete("hello", seed=9, **wishes)
    crowd = [llama.start("completion", {"prompt": "quick"}, **wishes) for _ in range(5)]
    among = llama.complete("hello", seed=9, **wishes)
    assert among.tokens == alone.tokens
    for rid in crowd:
        assert llama.answer(rid).finish() == "length"


def test_several_answers(llama: Client) -> None:
    answer = llama.complete("hello", n=3, seed=4, max_tokens=20, ignore_eos=True)
    texts = [answer.text(index) for index in range(3)]
    assert len(set(texts)) == 3
    assert all(answer.finish(index) == "length" for index in range(3))
    assert [delta.done for delta in answer.deltas].count(True) == 1
    assert answer.usage.completion_tokens == 60
    assert answer.usage.prompt_tokens == len(llama.tokens("hello"))


def test_logprobs(llama: Client) -> None:
    answer = llama.complete("hello", max_tokens=12, logprobs=3, ignore_eos=True, **GREEDY)
    assert len(answer.logprobs) == 12
    for entry in answer.logprobs:
        assert len(entry.top) == 3
        assert entry.top[0][:2] == (entry.token, entry.logprob)  # greedy: the best was chosen
        assert entry.logprob <= 0
        assert [top[1] for top in entry.top] == sorted((t[1] for t in entry.top), reverse=True)
    assert b"".join(entry.bytes_ for entry in answer.logprobs).decode(errors="replace")
    chosen = llama.complete("hello", max_tokens=3, logprobs=0, seed=1)
    assert all(entry.top == () for entry in chosen.logprobs)


def test_logit_bias_and_frequency_penalty(llama: Client) -> None:
    token = llama.tokens("x")[0]
    forced = llama.complete("hello", max_tokens=5, logit_bias={token: 1000.0})
    assert forced.tokens == [token] * 5
    wishes: dict[str, Any] = {"max_tokens": 5, "logit_bias": {token: 1000.0}}
    punished = llama.complete("hello", frequency_penalty=2000.0, **wishes, **GREEDY)
    assert punished.tokens.count(token) == 1
    fault = llama.complete("hello", logit_bias={9999: 1.0}).fault
    assert fault is not None
    assert (fault.code, fault.param) == ("invalid", "logit_bias")


def test_narrow_choices_are_greedy(llama: Client) -> None:
    greedy = llama.complete("hello", max_tokens=20, **GREEDY).tokens
    for narrow in ({"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}, {"temperature": 1e-4}):
        assert llama.complete("hello", max_tokens=20, **narrow).tokens == greedy, narrow


def test_echo(llama: Client) -> None:
    answer = llama.complete("hello", max_tokens=3, payload={"echo": True}, **GREEDY)
    plain = llama.complete("hello", max_tokens=3, **GREEDY)
    assert answer.text() == "hello" + plain.text()


def test_cached_tokens(llama: Client) -> None:
    prompt = llama.tokens("pack my box with five dozen jugs " * 12)[:200]
    first = llama.complete(prompt, max_tokens=2, **GREEDY)
    second = llama.complete(prompt, max_tokens=2, **GREEDY)
    assert first.usage.cached_tokens == 0
    assert 0 < second.usage.cached_tokens < len(prompt)
    assert first.tokens == second.tokens


def test_eight_at_once_with_a_late_joiner(llama: Client, truth: Truth) -> None:
    prompts = [
        llama.tokens(f"{word} model")
        for word in ("one", "two", "three", "four", "five", "six", "seven")
    ]
    late = llama.tokens("late")
    questions = [
        {"kind": "generate", "model": "llama", "prompt": prompt, "count": 120}
        for prompt in [*prompts, late]
    ]
    rids = [
        llama.start("completion", {"prompt": prompt}, max_tokens=120, **GREEDY)
        for prompt in prompts
    ]
    time.sleep(0.05)
    rids.append(llama.start("completion", {"prompt": late}, max_tokens=120, **GREEDY))
    answers = [llama.answer(rid).tokens for rid in rids]
    assert answers == truth.ask(*questions)


def test_more_requests_than_slots(llama: Client) -> None:
    rids = [
        llama.start("completion", {"prompt": f"{n}"}, max_tokens=30, ignore_eos=True)
        for n in range(30)
    ]
    assert all(len(llama.answer(rid).tokens) == 30 for rid in rids)


# --- tools, reasoning, continuing ------------------------------------------------------------


def test_tools_reach_the_template_and_calls_come_back(llama: Client) -> None:
    plain = llama.chat(max_tokens=1, **GREEDY)
    tools = {"tools": [WEATHER]}
    told = llama.chat(max_tokens=1, payload=tools, **GREEDY)
    assert told.usage.prompt_tokens > plain.usage.prompt_tokens
    # A random model calls no tools: put all but the end of a call into its mouth.
    call = llama.tokens(
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
    )
    answer = llama.chat(
        payload={**tools, "parallel_tool_calls": False},
        prefix_tokens=tuple(call[:-1]),
        logit_bias={call[-1]: 1000.0},
        max_tokens=100,
    )
    (made,) = answer.tool_calls()
    assert made["name"] == "weather"
    assert json.loads(made["arguments"]) == {"city": "Oslo"}
    assert (answer.text(), answer.finish()) == ("", "tool_calls")


def test_reasoning_is_told_apart(llama: Client) -> None:
    answer = llama.chat(
        payload={"template_kwargs": {"enable_thinking": True}}, max_tokens=10, ignore_eos=True
    )
    assert answer.text() == ""
    assert answer.reasoning()


@pytest.mark.parametrize("wishes", [GREEDY, {"temperature": 1.0, "seed": 11}])
def test_a_continuation_goes_on_exactly(llama: Client, wishes: dict[str, Any]) -> None:
    whole = llama.chat(max_tokens=60, ignore_eos=True, **wishes)
    for cut in (1, 17, 40):
        before = whole.deltas[:cut]
        shown = "".join(delta.text for delta in before)
        tokens = tuple(token for delta in before for token in delta.tokens)
        rest = llama.chat(
            max_tokens=60, ignore_eos=True, prefix=shown, prefix_tokens=tokens,
            prefix_count=len(tokens), **wishes,
        )  # fmt: skip
        assert shown + rest.text() == whole.text()
        assert [*tokens, *rest.tokens] == whole.tokens
        assert rest.usage.completion_tokens == 60


def test_a_continuation_from_text_alone(llama: Client) -> None:
    rest = llama.complete("hello", max_tokens=20, prefix=" world this", ignore_eos=True, **GREEDY)
    count = len(llama.tokens(" world this"))
    whole = llama.complete("hello world this", max_tokens=20 - count, ignore_eos=True, **GREEDY)
    assert rest.text() == whole.text()


def test_a_continuation_with_nothing_left(llama: Client) -> None:
    tokens = tuple(llama.tokens("hello world"))
    answer = llama.complete("x", max_tokens=len(tokens), prefix_tokens=tokens)
    assert (answer.text(), answer.finish()) == ("", "length")


# --- refusing, aborting ----------------------------------------------------------------------


def test_too_long(llama: Client) -> None:
    prompt = llama.tokens("quick brown " * 600)
    fault = llama.complete(prompt).fault
    assert fault is not None
    assert (fault.code, fault.data) == ("too_long", {"tokens": len(prompt), "limit": 512})


def test_the_context_ends_an_answer(llama: Client) -> None:
    prompt = llama.tokens("quick brown " * 600)[:500]
    answer = llama.complete(prompt, ignore_eos=True)
    assert (len(answer.tokens), answer.finish()) == (12, "length")


@pytest.mark.parametrize(
    ("payload", "param"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tool_choice": "required", "tools": [WEATHER]}, "tool_choice"),
        ({"grammar": "x"}, "grammar"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    llama: Client, payload: dict[str, Any], param: str
) -> None:
    fault = llama.chat(payload=payload).fault
    assert fault is not None
    assert (fault.code, fault.param) == ("unsupported", param)
    assert "transformers" in fault.message


@pytest.mark.parametrize(
    ("wishes", "param"),
    [
        ({"temperature": float("nan")}, "temperature"),
        ({"min_p": 1.5}, "min_p"),
        ({"repetition_penalty": 0.0}, "repetition_penalty"),
        ({"logit_bias": {5: float("inf")}}, "logit_bias"),
        ({"prefix_tokens": (10_000,)}, "prefix_tokens"),
        ({"payload": {"template_kwargs": {"chat_template": "x"}}}, "chat_template_kwargs"),
    ],
)
def test_what_would_break_a_step_is_refused(
    llama: Client, wishes: dict[str, Any], param: str
) -> None:
    fault = llama.chat(**wishes).fault
    assert fault is not None
    assert (fault.code, fault.param) == ("invalid", param)


def test_stats(llama: Client) -> None:
    before = llama.engine.stats()
    llama.complete("hello", max_tokens=9, ignore_eos=True)
    after = llama.engine.stats()
    assert after["generated_tokens"] - before["generated_tokens"] == 9
    assert (after["running"], after["waiting"]) == (0, 0)


def test_images_are_refused(llama: Client) -> None:
    parts = [{"type": "text", "text": "what"}, {"type": "image_url", "image_url": {"url": "x"}}]
    fault = llama.chat([{"role": "user", "content": parts}]).fault
    assert fault is not None
    assert (fault.code, fault.param) == ("unsupported", "messages")
    assert llama.chat([{"role": "user", "content": parts[:1]}], max_tokens=1).fault is None


def test_abort_running_and_waiting(python: str, models: Path) -> None:
    for client in serve(python, models / "llama", slots=2):
        rids = [
            client.start("completion", {"prompt": "hello"}, ignore_eos=True, seed=n)
            for n in range(6)
        ]
        time.sleep(0.1)
        began = time.monotonic()
        client.engine.abort(*rids[:5])
        aborted = [client.answer(rid) for rid in rids[:5]]
        assert time.monotonic() - began < 1
        for answer in aborted:
            assert (answer.finish(), answer.deltas[-1].done) == ("abort", True)
        assert len(aborted[4].tokens) == 0  # it was waiting
        rest = client.answer(rids[5])
        assert rest.finish() == "length"  # the others do not suffer
        assert rest.tokens == client.complete("hello", ignore_eos=True, seed=5).tokens
        client.engine.abort("unknown", rids[0])
        assert client.complete("hello", max_tokens=3).fault is None


def test_a_small_cache_is_slower_but_not_wrong(python: str, models: Path, truth: Truth) -> None:
    prompts = [[30 + n, 40 + n, 50 + n] for n in range(4)]
    expected = truth.ask(
        *({"kind": "generate", "model": "llama", "prompt": p, "count": 150} for p in prompts)
    )
    options = {"num_blocks": 20, "page_size": 16}
    for client in serve(python, models / "llama", slots=4, options=options, context_length=256):
        rids = [
            client.start("completion", {"prompt": prompt}, max_tokens=150, **GREEDY)
            for prompt in prompts
        ]
        assert [client.answer(rid).tokens for rid in rids] == expected


# --- one at a time ---------------------------------------------------------------------------


def test_single_equals_plain_generate(mamba: Client, truth: Truth) -> None:
    prompt = mamba.tokens("hello world")
    (expected,) = truth.ask({"kind": "generate", "model": "mamba", "prompt": prompt, "count": 30})
    answer = mamba.complete(prompt, max_tokens=30, **GREEDY)
    assert answer.tokens == expected


def test_single_queues_and_aborts(mamba: Client) -> None:
    wishes = {"ignore_eos": True, "seed": 3, "max_tokens": 40}
    plain = mamba.complete("hello", logprobs=1, **wishes)
    assert len(plain.logprobs) == 40
    long = mamba.start("completion", {"prompt": "hello"}, ignore_eos=True)
    waiting = mamba.start("completion", {"prompt": "hello"}, ignore_eos=True)
    after = mamba.start("completion", {"prompt": "hello"}, **wishes)
    time.sleep(0.2)
    began = time.monotonic()
    mamba.engine.abort(long, waiting)
    assert [mamba.answer(rid).finish() for rid in (long, waiting)] == ["abort", "abort"]
    assert time.monotonic() - began < 1
    assert mamba.answer(after).tokens == plain.tokens


# --- tokens ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["hello world", " größer 東京\n", "<|im_start|>user"])
def test_tokens_and_back(llama: Client, text: str) -> None:
    told = llama.answer(llama.start("tokenize", {"text": text})).result
    assert len(told["texts"]) == len(told["tokens"])
    back = llama.answer(llama.start("detokenize", {"tokens": told["tokens"]})).result
    assert back == {"text": text}


def test_tokens_of_a_chat(llama: Client, truth: Truth) -> None:
    told = llama.answer(llama.start("tokenize", {"messages": HELLO})).result
    assert [told["tokens"]] == truth.ask({"kind": "chat", "model": "llama", "messages": HELLO})


# --- embeddings ------------------------------------------------------------------------------

TEXTS = ["hello world", "the quick brown fox", "a", "pack my box with five dozen jugs; hello"]


def test_embeddings_equal_encode(embedder: Client, truth: Truth) -> None:
    (expected,) = truth.ask({"kind": "encode", "model": "embedder", "texts": TEXTS})
    answer = embedder.embed(*TEXTS)
    assert answer.result["dimensions"] == 24 == embedder.ready.details["dimensions"]
    for row, wanted in zip(vectors(answer), expected, strict=True):
        assert row == pytest.approx(wanted, abs=1e-5)
    counts = [len(embedder.tokens(text)) + 2 for text in TEXTS]  # [CLS] and [SEP]
    assert answer.usage.prompt_tokens == sum(counts)


def test_embeddings_of_many_requests_at_once(embedder: Client, truth: Truth) -> None:
    texts = [f"{TEXTS[n % 4]} {n}" for n in range(100)]
    rids = [embedder.start("embedding", {"inputs": [text]}) for text in texts]
    (expected,) = truth.ask({"kind": "encode", "model": "embedder", "texts": texts})
    for rid, wanted in zip(rids, expected, strict=True):
        assert vectors(embedder.answer(rid))[0] == pytest.approx(wanted, abs=1e-5)


def test_embeddings_of_tokens(embedder: Client) -> None:
    tokens = [embedder.tokens(text) for text in TEXTS]
    for row, wanted in zip(
        vectors(embedder.embed(*tokens)), vectors(embedder.embed(*TEXTS)), strict=True
    ):
        assert row == pytest.approx(wanted, abs=1e-5)


def test_fewer_dimensions(embedder: Client) -> None:
    (full,) = vectors(embedder.embed(TEXTS[0]))
    (short,) = vectors(embedder.embed(TEXTS[0], dimensions=8))
    length = sum(value * value for value in full[:8]) ** 0.5
    assert short == pytest.approx([value / length for value in full[:8]], abs=1e-5)
    fault = embedder.embed(TEXTS[0], dimensions=100).fault
    assert fault is not None
    assert (fault.code, fault.param) == ("invalid", "dimensions")


def test_a_long_text_is_refused_not_cut(embedder: Client) -> None:
    text = "hello world " * 80
    fine = embedder.start("embedding", {"inputs": ["hello"]})
    fault = embedder.embed("hello", text).fault
    assert fault is not None
    assert fault.code == "too_long"
    assert fault.data is not None
    assert fault.data["limit"] == 64
    assert fault.data["tokens"] > 64
    assert embedder.answer(fine).fault is None


def test_a_long_text_is_cut_when_asked(python: str, models: Path, truth: Truth) -> None:
    text = "hello world " * 80
    (expected,) = truth.ask({"kind": "encode", "model": "embedder", "texts": [text]})
    for client in serve(python, models / "embedder", kind="embedding", options={"truncate": True}):
        assert vectors(client.embed(text))[0] == pytest.approx(expected[0], abs=1e-5)


def test_an_embedding_model_does_not_chat(embedder: Client) -> None:
    fault = embedder.chat().fault
    assert fault is not None
    assert fault.code == "unsupported"


def test_embeddings_are_fast_enough(embedder: Client) -> None:
    """Far below what is measured on a quiet machine, to catch only a broken design."""
    rids = [embedder.start("embedding", {"inputs": [f"warm-up {n}"]}) for n in range(32)]
    began = time.monotonic()
    for turn in range(640):  # always 32 in flight
        assert embedder.answer(rids[turn]).fault is None
        rids.append(embedder.start("embedding", {"inputs": [f"text of turn {turn}"]}))
    assert 640 / (time.monotonic() - began) > 200
    embedder.engine.finish(*rids)

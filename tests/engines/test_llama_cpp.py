"""Generation by the llama.cpp adapter, in a real engine process, over its socket."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines.driver import EngineProcess
from tests.engines.llama_cases import ASCII, WEATHER, greedy, refused
from tests.support.tiny_gguf import END_OF_TURN
from xplatform.engines.protocol import Sampling

pytestmark = pytest.mark.engine


def test_chat_streams_and_counts(plain: EngineProcess) -> None:
    answer = plain.chat("hello world", greedy(max_tokens=24))
    assert answer.fault is None
    assert answer.finish() == "length"
    assert answer.usage.completion_tokens == answer.counted == 24
    assert len(answer.deltas) > 10
    assert answer.usage.prompt_tokens > 4


def test_every_sampling_default_is_openais(plain: EngineProcess) -> None:
    """Said and unsaid are the same, so none of llama.cpp's own defaults gets in."""
    said = Sampling(seed=1, max_tokens=30, temperature=1.0, top_p=1.0, top_k=-1, min_p=0.0)
    unsaid = Sampling(seed=1, max_tokens=30)
    assert plain.chat("hello", said).tokens == plain.chat("hello", unsaid).tokens


def test_seed_makes_answers_repeat(plain: EngineProcess) -> None:
    def tokens(seed: int | None) -> list[int]:
        return plain.chat("hello", Sampling(seed=seed, max_tokens=30)).tokens

    assert tokens(7) == tokens(7)
    assert tokens(7) != tokens(8)
    assert tokens(None) != tokens(None)
    assert tokens(2**40 + 7) == tokens(7)


def test_greedy_is_greedy_whatever_the_seed(plain: EngineProcess) -> None:
    assert (
        plain.chat("hello", greedy(seed=1, max_tokens=20)).tokens
        == plain.chat("hello", greedy(seed=2, max_tokens=20)).tokens
    )


def test_truncations_reach_the_engine(plain: EngineProcess) -> None:
    wanted = plain.chat("hello", greedy(max_tokens=12)).tokens
    for limit in ({"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}):
        assert plain.chat("hello", Sampling(max_tokens=12, **limit)).tokens == wanted, limit


def test_penalties_reach_the_engine(plain: EngineProcess) -> None:
    plainly = plain.ask("completion", {"prompt": "hello"}, greedy(max_tokens=60)).tokens
    for penalty in (
        {"frequency_penalty": 2.0},
        {"presence_penalty": 2.0},
        {"repetition_penalty": 2.0},
    ):
        answer = plain.ask("completion", {"prompt": "hello"}, greedy(max_tokens=60, **penalty))
        assert answer.tokens != plainly, penalty


def test_stop_text_ends_and_is_not_shown(plain: EngineProcess) -> None:
    grammar = 'root ::= "hello the world in token"'
    payload = {"prompt": "hello", "grammar": grammar}
    answer = plain.ask("completion", payload, greedy(stop=("wor",)))
    assert (answer.text(), answer.finish()) == ("hello the ", "stop")
    answer = plain.ask("completion", payload, greedy(stop=("nowhere", " in t")))
    assert (answer.text(), answer.finish()) == ("hello the world", "stop")
    assert answer.counted == answer.usage.completion_tokens


def test_logit_bias_forces_and_bans(plain: EngineProcess) -> None:
    (hello,) = plain.ask("tokenize", {"text": "hello"}).result["tokens"]
    answer = plain.chat("x", greedy(max_tokens=4, logit_bias={hello: 100.0}))
    assert answer.text() == "hello" * 4
    first = plain.chat("x", greedy(max_tokens=1)).tokens
    assert plain.chat("x", greedy(max_tokens=1, logit_bias={first[0]: -100.0})).tokens != first
    refused(plain.chat("x", Sampling(logit_bias={10**6: 1.0})), "invalid", "logit_bias")


def test_logprobs(plain: EngineProcess) -> None:
    answer = plain.chat("hello", greedy(max_tokens=6, logprobs=3, logit_bias=ASCII))
    assert len(answer.logprobs) == 6
    for entry in answer.logprobs:
        assert entry.logprob <= 0 and len(entry.top) == 3
        assert entry.top[0][1] >= entry.logprob
        assert entry.bytes_
    answer = plain.chat("hello", greedy(max_tokens=2, logprobs=0, logit_bias=ASCII))
    assert [entry.top for entry in answer.logprobs] == [(), ()]
    form = {"type": "json_object"}
    refused(plain.chat("x", Sampling(logprobs=1), response_format=form), "unsupported", "logprobs")


def test_n_choices_differ_repeat_and_count_the_prompt_once(plain: EngineProcess) -> None:
    one = plain.chat("hello", Sampling(seed=5, max_tokens=16))
    three = plain.chat("hello", Sampling(seed=5, max_tokens=16, n=3))
    texts = [three.text(index) for index in range(3)]
    assert texts[0] == one.text()
    assert len(set(texts)) == 3
    assert [three.finish(index) for index in range(3)] == ["length"] * 3
    assert three.usage.prompt_tokens == one.usage.prompt_tokens
    assert three.usage.completion_tokens == 48
    assert sum(delta.done for delta in three.deltas) == 1


def test_ignore_eos_and_end_of_turn(plain: EngineProcess) -> None:
    bias = {END_OF_TURN: 100.0}
    ended = plain.chat("x", greedy(max_tokens=8, logit_bias=bias))
    assert (ended.text(), ended.finish()) == ("", "stop")
    assert ended.usage.completion_tokens == ended.counted
    ignored = plain.chat("x", greedy(max_tokens=8, ignore_eos=True))
    assert ignored.usage.completion_tokens == 8


def test_without_max_tokens_the_context_is_the_end(plain: EngineProcess) -> None:
    answer = plain.chat("hello", Sampling(temperature=0.0, ignore_eos=True))
    assert answer.finish() == "length"
    total = answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert 500 <= total <= 513


def test_echo_repeats_the_prompt(plain: EngineProcess) -> None:
    answer = plain.ask("completion", {"prompt": "hello", "echo": True}, greedy(max_tokens=4))
    bare = plain.ask("completion", {"prompt": "hello"}, greedy(max_tokens=4))
    assert answer.text() == "hello" + bare.text()
    assert answer.usage.completion_tokens == bare.usage.completion_tokens == 4


def test_a_prompt_of_token_ids_is_that_text(plain: EngineProcess) -> None:
    tokens = plain.ask("tokenize", {"text": "hello world"}).result["tokens"]
    by_ids = plain.ask("completion", {"prompt": tokens}, greedy(max_tokens=8))
    by_text = plain.ask("completion", {"prompt": "hello world"}, greedy(max_tokens=8))
    assert by_ids.tokens == by_text.tokens
    assert by_ids.usage.prompt_tokens == by_text.usage.prompt_tokens == len(tokens)


def test_cached_tokens_are_told(plain: EngineProcess) -> None:
    prompt = "the weather in the world is the weather " * 4
    plain.ask("completion", {"prompt": prompt}, greedy(max_tokens=1))
    again = plain.ask("completion", {"prompt": prompt}, greedy(max_tokens=1))
    assert 0 < again.usage.cached_tokens < again.usage.prompt_tokens


def test_characters_split_over_tokens_come_whole(plain: EngineProcess) -> None:
    text = "h€llo 😀 wörld"
    answer = plain.ask("completion", {"prompt": "x", "grammar": f'root ::= "{text}"'}, greedy())
    assert answer.text() == text
    assert all("\ufffd" not in delta.text for delta in answer.deltas)
    assert answer.counted == answer.usage.completion_tokens


@pytest.mark.parametrize("with_ids", [True, False])
@pytest.mark.parametrize("at", [1, 7, 25])
def test_a_continued_answer_is_the_undisturbed_one(
    demo: EngineProcess, at: int, with_ids: bool
) -> None:
    payload = {"messages": [{"role": "user", "content": "Who are you?"}]}
    whole = demo.ask("chat", payload, greedy(max_tokens=30))
    shown = whole.deltas[:at]
    text = "".join(delta.text for delta in shown)
    prefix: dict[str, Any] = {"prefix": text, "prefix_count": at}
    if with_ids:
        prefix["prefix_tokens"] = tuple(token for delta in shown for token in delta.tokens)
    rest = demo.ask("chat", payload, greedy(max_tokens=30), **prefix)
    assert text + rest.text() == whole.text()
    assert rest.usage.prompt_tokens == whole.usage.prompt_tokens
    assert rest.usage.completion_tokens == whole.usage.completion_tokens
    assert rest.finish() == whole.finish()


def test_a_random_model_is_continued_by_its_token_ids(plain: EngineProcess) -> None:
    """Its tokens are not those that its text would be split into."""
    payload = {"prompt": "hello world"}
    sampling = greedy(max_tokens=40, logit_bias=ASCII)
    whole = plain.ask("completion", payload, sampling)
    assert len(whole.tokens) == 40
    rest = plain.ask(
        "completion",
        payload,
        sampling,
        prefix="".join(delta.text for delta in whole.deltas[:15]),
        prefix_tokens=tuple(whole.tokens[:15]),
        prefix_count=15,
    )
    assert whole.tokens[:15] + rest.tokens == whole.tokens
    assert rest.usage.completion_tokens == 40
    assert rest.usage.prompt_tokens == whole.usage.prompt_tokens


def test_the_prompt_of_a_continuation_has_the_same_tokens(demo: EngineProcess) -> None:
    messages = [{"role": "user", "content": "Who are you?"}]
    tokens = demo.ask("tokenize", {"messages": messages}).result["tokens"]
    native = demo.ask("chat", {"messages": messages}, greedy(max_tokens=1))
    # Tools go through llama.cpp's chat interface; with choice "none" it is the same prompt.
    parsed = demo.ask(
        "chat",
        {"messages": messages, "tools": [WEATHER], "tool_choice": "none"},
        greedy(max_tokens=1),
    )
    with_tools = demo.ask("tokenize", {"messages": messages, "tools": [WEATHER]}).result["tokens"]
    assert native.usage.prompt_tokens == len(tokens)
    assert parsed.usage.prompt_tokens == len(with_tools)


def test_a_prefix_that_is_all_ends_at_once(plain: EngineProcess) -> None:
    answer = plain.ask(
        "completion",
        {"prompt": "hello"},
        greedy(max_tokens=3),
        prefix="the",
        prefix_count=3,
    )
    assert (answer.text(), answer.finish()) == ("", "length")
    assert answer.usage.completion_tokens == 3 and answer.usage.prompt_tokens == 1


def test_what_cannot_be_continued_says_so(demo: EngineProcess) -> None:
    messages = [{"role": "user", "content": "Who are you?"}]
    form = {"type": "json_object"}
    for payload, sampling in (
        ({"tools": [WEATHER]}, Sampling()),
        ({"response_format": form}, Sampling()),
        ({}, Sampling(logprobs=1)),
        ({}, Sampling(n=2)),
    ):
        answer = demo.ask(
            "chat", {"messages": messages, **payload}, sampling, prefix="I", prefix_count=1
        )
        refused(answer, "engine", None)
        assert answer.fault is not None and answer.fault.retryable

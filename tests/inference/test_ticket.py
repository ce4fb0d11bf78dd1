"""One request: what is handed over, what is merged, and from where a next attempt begins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.inference.gateway.ticket import State, Ticket, merge
from xplatform.core import errors
from xplatform.engines.protocol import Delta, Sampling, Submit, Usage


def ticket(*, hold: bool = False, submit: Submit | None = None) -> Ticket:
    made = Ticket(
        "r", "m", submit or Submit("r", "chat", {"messages": []}), time.monotonic() + 60, hold=hold
    )
    made.next_attempt()
    return made


def text_of(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def test_deltas_that_pile_up_are_merged_into_one() -> None:
    one = ticket()
    for word in ("a ", "b ", "c"):
        one.deliver(Delta("r.1", text=word, count=1))
    taken = await one.take()
    assert [delta.text for delta in taken] == ["a b c"]
    assert taken[0].rid == "r"
    assert taken[0].count == 3


async def test_a_held_answer_is_handed_over_at_its_end_only() -> None:
    one = ticket(hold=True)
    one.deliver(Delta("r.1", text="a"))
    waiting = asyncio.create_task(one.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    one.deliver(Delta("r.1", text="b", finish="stop", done=True))
    assert text_of(await waiting) == "ab"


async def test_an_error_comes_behind_all_text() -> None:
    one = ticket()
    one.deliver(Delta("r.1", text="shown"))
    one.fail(errors.EngineDied())
    assert text_of(await one.take()) == "shown"
    with pytest.raises(errors.EngineDied):
        await one.take()


def test_nothing_follows_the_end() -> None:
    one = ticket()
    one.deliver(Delta("r.1", text="a", done=True))
    one.deliver(Delta("r.1", text="late"))
    one.fail(errors.EngineDied())
    assert one.state is State.DONE
    assert one.error is None
    assert one.text == ["a"]


def test_an_attempt_before_any_text_begins_anew() -> None:
    one = ticket(hold=True)
    one.deliver(Delta("r.1", text="half", tokens=(1, 2)))
    again = one.next_attempt()
    assert (again.rid, again.prefix, again.prefix_tokens, again.prefix_count) == ("r.2", "", (), 0)


def test_an_attempt_after_text_goes_on_behind_it() -> None:
    one = ticket()
    one.deliver(Delta("r.1", text="one ", tokens=(1,)))
    one.deliver(Delta("r.1", text="two ", tokens=(2, 3)))
    again = one.next_attempt()
    assert again.prefix == "one two "
    assert again.prefix_tokens == (1, 2, 3)
    assert again.prefix_count == 3
    one.deliver(Delta("r.2", text="three", tokens=(4,)))
    assert one.next_attempt().prefix == "one two three"


def test_token_ids_count_only_when_all_are_known() -> None:
    one = ticket()
    one.deliver(Delta("r.1", text="one ", tokens=(1,)))
    one.deliver(Delta("r.1", text="two ", count=1))
    again = one.next_attempt()
    assert again.prefix_tokens == ()
    assert again.prefix_count == 2


def test_a_beginning_that_the_caller_gave_stays_in_front() -> None:
    one = ticket(submit=Submit("r", "chat", {}, prefix="Dear "))
    assert one.submit.prefix == "Dear "
    one.deliver(Delta("r.1", text="John", tokens=(9,)))
    again = one.next_attempt()
    assert again.prefix == "Dear John"
    assert again.prefix_tokens == ()


@pytest.mark.parametrize(
    ("submit", "expected"),
    [
        (Submit("r", "chat", {"messages": []}), True),
        (Submit("r", "completion", {"prompt": "x"}), True),
        (Submit("r", "embedding", {"inputs": ["x"]}), False),
        (Submit("r", "chat", {"tools": [{}]}), False),
        (Submit("r", "chat", {"response_format": {"type": "json_object"}}), False),
        (Submit("r", "chat", {}, Sampling(n=2)), False),
        (Submit("r", "chat", {}, Sampling(logprobs=0)), False),
    ],
)
def test_what_can_be_continued(submit: Submit, expected: bool) -> None:
    assert ticket(submit=submit).continuable is expected


async def test_a_poke_turns_the_endpoint_with_nothing_in_hand() -> None:
    one = ticket()
    waiting = asyncio.create_task(one.take())
    await asyncio.sleep(0)
    one.poke()
    assert await waiting == []


_deltas = st.lists(
    st.builds(
        lambda index, text, reasoning, tokens: Delta(
            "r", index, text, tuple(tokens), reasoning, count=len(text)
        ),
        st.integers(0, 2),
        st.text(max_size=5),
        st.text(max_size=3),
        st.lists(st.integers(0, 9), max_size=3),
    ),
    max_size=30,
)


@given(_deltas)
def test_merging_keeps_every_choice_whole_and_in_order(deltas: list[Delta]) -> None:
    ended = [*deltas, Delta("r", 0, finish="stop", done=True, usage=Usage(1, 2))]
    merged = merge(ended)
    for index in range(3):
        of_all = [delta for delta in ended if delta.index == index]
        of_one = [delta for delta in merged if delta.index == index]
        assert text_of(of_all) == text_of(of_one)
        assert sum((d.tokens for d in of_all), ()) == sum((d.tokens for d in of_one), ())
        assert "".join(d.reasoning for d in of_all) == "".join(d.reasoning for d in of_one)
        assert sum(d.count for d in of_all) == sum(d.count for d in of_one)
    assert merged[-1].done
    assert merged[-1].usage == Usage(1, 2)

"""What an engine adapter makes of tokens: text, reasoning, tool calls. No model needed."""

from __future__ import annotations

import json
import random

import pytest

from xplatform.engines.chat_text import AnswerText, Detokenizer, Piece, Reasoning, ToolCalls

TEXTS = [
    "plain words, nothing else",
    "größer 東京 \N{ROCKET}\N{ROCKET} café",
    "a\N{ZERO WIDTH JOINER}b \N{FAMILY}",
]


def decode(tokens: list[int]) -> str:
    """A tokenizer of bytes."""
    return bytes(tokens).decode("utf-8", errors="replace")


def through(chain: AnswerText, text: str) -> Piece:
    whole = Piece()
    for byte in text.encode():
        whole.add(chain.add([byte]))
        if whole.stopped:
            break
    whole.add(chain.end())
    return whole


@pytest.mark.parametrize("text", TEXTS)
def test_no_half_characters_and_nothing_lost(text: str) -> None:
    detokenizer = Detokenizer(decode)
    pieces = [detokenizer.add(byte) for byte in text.encode()]
    assert all("\N{REPLACEMENT CHARACTER}" not in piece for piece in pieces)
    assert "".join(pieces) + detokenizer.end() == text


def test_bytes_that_are_no_text_come_out_as_the_whole_decode_has_them() -> None:
    for seed in range(200):
        tokens = list(random.Random(seed).randbytes(40))
        detokenizer = Detokenizer(decode)
        pieces = "".join(detokenizer.add(token) for token in tokens) + detokenizer.end()
        assert pieces == decode(tokens)


def test_half_a_character_at_the_end_is_shown_as_unknown() -> None:
    piece = through(AnswerText(decode), "ok")
    assert piece.text == "ok"
    chain = AnswerText(decode)
    assert chain.add(list("ok€".encode())[:-1]).text == "ok"
    assert chain.end().text == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("stops", "text", "shown"),
    [
        (("END",), "one END two", "one "),
        (("END",), "one EN", "one EN"),
        (("END",), "one ENEND", "one EN"),
        (("b", "abc"), "xxabcd", "xxa"),
        (("東京",), "in 東京 now", "in "),
        (("",), "all", "all"),
    ],
)
def test_stop_strings(stops: tuple[str, ...], text: str, shown: str) -> None:
    assert through(AnswerText(decode, stops), text).text == shown


def test_what_may_become_a_stop_string_is_held_back() -> None:
    chain = AnswerText(decode, ("STOP",))
    assert chain.add(list(b"go ST")).text == "go "
    assert chain.add(list(b"AR")).text == "STAR"


@pytest.mark.parametrize(
    ("text", "begun", "reasoning", "content"),
    [
        ("<think>\nwhy\n</think>\n\nso", False, "why", "so"),
        ("why</think>so", True, "why", "so"),
        ("no thought", False, "", "no thought"),
        (" <thin air>", False, "", " <thin air>"),
        ("<think>never ends", False, "never ends", ""),
        ("a </b> c</think>d", True, "a </b> c", "d"),
        ("<think></think>x", False, "", "x"),
    ],
)
def test_reasoning(text: str, begun: bool, reasoning: str, content: str) -> None:
    piece = through(AnswerText(decode, reasoning=Reasoning(begun=begun)), text)
    assert (piece.reasoning, piece.text) == (reasoning, content)


CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "東京"}}\n</tool_call>'


def test_tool_calls() -> None:
    chain = AnswerText(decode, tool_calls=ToolCalls())
    piece = through(chain, f"Let me look.\n{CALL}\n{CALL}")
    assert piece.text == "Let me look."
    assert [(call.index, call.name) for call in piece.tool_calls] == [
        (0, "weather"),
        (1, "weather"),
    ]
    assert all(json.loads(call.arguments) == {"city": "東京"} for call in piece.tool_calls)
    assert len({call.id for call in piece.tool_calls}) == 2
    assert chain.called_tools


def test_only_one_tool_call() -> None:
    piece = through(AnswerText(decode, tool_calls=ToolCalls(only_one=True)), CALL + CALL)
    assert len(piece.tool_calls) == 1
    assert piece.stopped


def test_a_call_that_is_not_closed_at_the_end_counts() -> None:
    text = CALL.removesuffix("</tool_call>")
    piece = through(AnswerText(decode, tool_calls=ToolCalls()), text)
    assert len(piece.tool_calls) == 1


@pytest.mark.parametrize("text", ["<tool_call>nonsense</tool_call> x", "<tool_call>{", "a < b\n"])
def test_what_is_no_call_stays_text(text: str) -> None:
    piece = through(AnswerText(decode, tool_calls=ToolCalls()), text)
    assert (piece.text, piece.tool_calls) == (text, [])


def test_a_continued_answer_shows_what_the_undisturbed_one_would() -> None:
    text = list(f"<think>hm\n</think>see END of {CALL}".encode())

    def chain() -> AnswerText:
        return AnswerText(
            decode, ("END!",), reasoning=Reasoning(begun=False), tool_calls=ToolCalls()
        )

    whole = through(chain(), bytes(text).decode())
    for cut in range(len(text)):
        first, second = chain(), chain()
        shown = first.add(text[:cut])
        second.add(text[:cut])  # unseen
        shown.add(second.add(text[cut:]))
        shown.add(second.end())
        assert (shown.text, shown.reasoning) == (whole.text, whole.reasoning)
        assert [c.name for c in shown.tool_calls] == [c.name for c in whole.tool_calls]

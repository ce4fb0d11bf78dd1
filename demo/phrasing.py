"""Turns one pattern into the many ways in which people type it."""

import random
import re

GROUP = re.compile(r"\(([^()]*)\)")
SYNONYM = re.compile(r"\{(\w+)\}")
QUESTION = re.compile(
    r"(?i)^(what|who|where|when|why|how|which|is|are|can|could|do|does|will|may|should|in what)\b"
)
# A slot is a control character, so that no noise ever touches what will stand there.
SLOT = re.compile("[\x01-\x08]")

OPENINGS = (
    "(please|hey,|hey|hi,|hi!|hello,|so,|so|ok,|ok so|well,|um,|and|now|excuse me,|quick question:)",
    "(can|could) you (please |)(tell me|say|explain)(,|:|)",
    "(tell me|please tell me|i want to know|i would like to know|i wonder|do you know|any idea)(,|:|)",
    "(just |)(one|a) (quick |)question(:|,)",
)
CLOSINGS = (
    "(please|, please|pls|plz|thanks|, thanks|, thank you|for me|exactly|now|here|again|, tell me|"
    "in short|briefly|, i wonder|today|quickly|then|actually|, any idea|by the way|bro|, my friend)",
)
NEIGHBOURS = {
    row[i]: row[max(0, i - 1) : i] + row[i + 1 : i + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for i in range(len(row))
}


def expand(pattern: str, rng: random.Random, synonyms: dict[str, list[str]] | None = None) -> str:
    """Draw one text: `{name}` is one of the synonyms, `(a|b|)` is one of its parts."""
    text = pattern
    if synonyms:
        while "{" in text:
            text = SYNONYM.sub(lambda m: rng.choice(synonyms[m[1]]), text)
    while "(" in text:
        text = GROUP.sub(lambda m: rng.choice(m[1].split("|")), text)
    return " ".join(text.replace(" ,", ",").split())


def typo(word: str, rng: random.Random) -> str:
    i = rng.randrange(len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind == 1:
        return word[:i] + word[i + 1 :]
    if kind == 2:
        return word[:i] + word[i] + word[i:]
    return word[:i] + rng.choice(NEIGHBOURS.get(word[i], word[i])) + word[i + 1 :]


def with_typos(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for i in rng.sample(places, min(len(places), rng.choice((1, 1, 2)))):
        words[i] = typo(words[i], rng)
    return " ".join(words)


def with_case(text: str, rng: random.Random) -> str:
    draw = rng.random()
    if draw < 0.5:
        text = re.sub(r"\bi\b", "I", text)
        return text[:1].upper() + text[1:]
    if draw < 0.72:
        return text
    if draw < 0.94:
        return text.lower()
    return text.upper() if draw < 0.98 else text.title()


def spoken(text: str, rng: random.Random, polite: bool = True, noise: float = 1.0) -> str:
    """Add what people add: politeness, punctuation, letter case and slips of the finger."""
    question = bool(QUESTION.match(text))
    if polite and rng.random() < 0.15 * noise:
        text = f"{expand(rng.choice(OPENINGS), rng)} {text}"
    if polite and rng.random() < 0.12 * noise:
        text = f"{text} {expand(rng.choice(CLOSINGS), rng)}".replace(" ,", ",")
    if rng.random() < 0.2 * noise:
        text = with_typos(text, rng)
    if rng.random() < 0.1:
        text = text.replace("'", "")
    text = with_case(text, rng)
    if text[-1:].isalnum() or SLOT.match(text[-1:]) or text[-1:] == "`":
        marks = ("?", "?", "?", "", "", "??", ".", " ?") if question else (".", "", "", "!", "?")
        text += rng.choice(marks)
    return text

"""The demo model's text: conversations drawn from templates, without end.

Everything here was written for this project: `facts.txt` holds what is asked and answered,
`knowledge.py` a little everyday knowledge, `tools.py` the tool calls, `phrasing.py` the ways in
which people type. `python corpus.py` prints some conversations.
"""

import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import tools as toolbox
from knowledge import (
    CAPITALS,
    COLOURS,
    DAYS,
    FOREIGN,
    JOKES,
    LEGS,
    LISTS,
    MONTHS,
    NAMES,
    OPPOSITES,
    POEM_WORDS,
    SOUNDS,
    UNITS,
    UNKNOWN,
    WITH_ARTICLE,
)
from phrasing import expand, spoken
from tools import Message, Schema

FACTS = Path(__file__).with_name("facts.txt")


@dataclass
class Topic:
    name: str
    asks: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    more: str = ""


@dataclass
class Section:
    name: str
    weight: float
    topics: list[Topic] = field(default_factory=list)


@dataclass(frozen=True)
class Turn:
    """A question, its answer, and the questions that make sense only right after it."""

    ask: str
    answer: str
    follow_ups: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Conversation:
    messages: list[Message]
    tools: list[Schema] | None = None


def load_facts(path: Path = FACTS) -> dict[str, Section]:
    sections: dict[str, Section] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        mark, _, text = line.partition(" ")
        text = text.strip()
        if not line.strip() or mark == "#":
            continue
        if mark.startswith("["):
            name, _, weight = line[1:].partition("]")
            section = sections[name] = Section(name, float(weight))
        elif mark == "@":
            topic = Topic(text)
            section.topics.append(topic)
        elif mark == "?":
            topic.asks.append(text)
        elif mark == "=":
            topic.answers.append(text.replace("\\n", "\n"))
        elif mark == "+":
            topic.more = text
        else:
            raise ValueError(f"{path.name}:{number}: no such mark: {mark!r}")
    return sections


SECTIONS = load_facts()
SYNONYMS = {topic.name: topic.asks for topic in SECTIONS.pop("synonyms").topics}

MORE = (
    "(tell|say|give)( me|) (more|something more|a bit more)( about it| about that|)",
    "(more|go on|continue|and then|more please|what else|anything else|elaborate|more details|details)",
    "(can|could) you (tell me|explain|say) (more|a bit more|that in more detail)",
    "(i want|i would like) to (know|hear|learn) more",
    "(explain|describe) (it|that) (further|in more detail|more)",
)
NO_MORE = "That is all I know about it. There is more in the API docs at /docs."
AGAIN = (
    "(can|could) you (please |)(repeat|say) (that|it)( again| once more|)",
    "(repeat|again|say (it|that) again|repeat that|repeat (it|your answer)|pardon|what did you say|once more|come again)",
)
WHAT_I_SAID = (
    "what (did i|have i) (just |)(say|ask|said|asked|write|written)( you| before|)",
    "what was my (last |previous |)(question|message)",
)
WHO_AM_I = (
    "(what is|what's|whats|tell me|do you know|do you remember|can you remember) my name",
    "(who am i|what am i called|my name|do you know who i am)",
)
FALLBACKS = (
    "I am sorry, I do not know that: I am only a tiny demo model. Please launch a larger model.",
    "I do not know much about that, I am only a tiny demo model. Please ask a larger model.",
)
NOT_ABOUT_XPLATFORM = "I do not know that about xplatform. Please look at the docs at /docs."
SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful assistant.",
    "You are a friendly assistant. Answer briefly.",
    "You are a tiny demo model.",
    "You are the xplatform demo model. Be kind and helpful.",
    "Answer in one sentence.",
    "Be concise.",
    "You are an AI assistant that helps people find information.",
    "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible.",
    "Always be polite.",
    "You are a support agent for a software product. Answer the questions of users.",
    "You have access to tools. Use them when they help.",
    "Use the tools that are given to you.",
    "You are a pirate.",
    "Today is Monday.",
)


def ask(rng: random.Random, *patterns: str) -> str:
    return expand(rng.choice(patterns), rng, SYNONYMS)


def from_section(name: str) -> Callable[[random.Random], Turn]:
    section = SECTIONS[name]

    def draw(rng: random.Random) -> Turn:
        topic = rng.choice(section.topics)
        more = tuple((pattern, topic.more or NO_MORE) for pattern in MORE)
        answer = rng.choice(topic.answers)
        if name in ("small talk", "long", "how to"):
            more = ()
        return Turn(ask(rng, *topic.asks), answer, more)

    return draw


def capital(rng: random.Random) -> Turn:
    def named(country: str) -> str:
        return f"the {country}" if country in WITH_ARTICLE else country

    def answer(country: str) -> str:
        return f"The capital of {named(country)} is {CAPITALS[country]}."

    country, other = rng.sample(sorted(CAPITALS), 2)
    city = CAPITALS[country]
    after = (
        f"(and |what about |how about |and what about ){named(other)}",
        f"and (the capital |)of {named(other)}",
    )
    follow_ups = tuple((pattern, answer(other)) for pattern in after)
    if rng.random() < 0.2:
        question = ask(
            rng,
            f"{city} is the capital of (which|what) country",
            f"(which|what) country (has {city} as its capital|is {city} the capital of|is {city} in)",
            f"(where is|in which country is) {city}",
        )
        return Turn(question, f"{city} is the capital of {named(country)}.")
    question = ask(
        rng,
        f"(what is|what's|whats|tell me|name|say|give me|i need) the capital (city |)of {named(country)}",
        f"(which|what) (city|town) is the capital of {named(country)}",
        f"capital (city |)(of |){named(country)}",
        f"(do you know|can you name|could you tell me|what about) the capital of {named(country)}",
        f"{named(country)} capital",
        f"{named(country)}'s capital( is|)",
        f"what is {named(country)}'s capital( city|)",
    )
    return Turn(question, answer(country), follow_ups)


def animal(rng: random.Random) -> Turn:
    if rng.random() < 0.5:
        name, sound = rng.choice(sorted(SOUNDS.items()))
        question = ask(
            rng,
            f"what (sound|noise) does (a|the|an) {name} make",
            f"what does (a|the) {name} say",
            f"how does (a|the) {name} sound",
            f"{name} (sound|noise)",
        )
        return Turn(question, f"The {name} says {sound}.")
    name, legs = rng.choice(sorted(LEGS.items()))
    question = ask(
        rng,
        f"how many (legs|feet) (does (a|an|the) {name} have|has (a|an|the) {name})",
        f"(number of|how many) legs (of|on) (a|an|the) {name}",
    )
    return Turn(question, f"The {name} has {legs or 'no'} legs.")


def colour(rng: random.Random) -> Turn:
    name, shade = rng.choice(sorted(COLOURS.items()))
    question = ask(
        rng,
        f"(what|which) (colour|color) (is|has) (the|a) {name}",
        f"(what is|tell me) the (colour|color) of (the|a) {name}",
        f"(colour|color) of (the|a|) {name}",
    )
    return Turn(question, f"The {name} is usually {shade}.")


def opposite(rng: random.Random) -> Turn:
    one, other = rng.choice(sorted(OPPOSITES.items()))
    if rng.random() < 0.5:
        one, other = other, one
    question = ask(
        rng,
        f"(what is|what's|tell me|name) the opposite of {one}",
        f"(opposite|antonym) of {one}",
        f"what is the contrary of {one}",
    )
    return Turn(question, f"The opposite of {one} is {other}.")


def arithmetic(rng: random.Random) -> Turn:
    a, b = rng.randrange(11), rng.randrange(11)
    sign = rng.choice("++-*")
    if sign == "-" and b > a:
        a, b = b, a
    word = {"+": "plus", "-": "minus", "*": "times"}[sign]
    result = {"+": a + b, "-": a - b, "*": a * b}[sign]
    question = ask(
        rng,
        f"(what is|what's|whats|how much is|calculate|compute|what does) {a} ({sign}|{word}) {b}",
        f"{a} ({sign}|{word}) {b}( =|)",
        f"{a}{sign}{b}( =|=|)",
        {"+": f"(add {a} (and|to) {b}|the sum of {a} and {b})", "-": f"subtract {b} from {a}"}.get(
            sign, f"multiply {a} (by|with|and) {b}"
        ),
    )
    c = rng.randrange(6)
    follow = (f"(and |now |)(plus|add|+) {c}( to that|)", f"{result} plus {c} is {result + c}.")
    return Turn(question, f"{a} {word} {b} is {result}.", (follow,) if result < 25 else ())


def calendar(rng: random.Random) -> Turn:
    kind, names = rng.choice((("day", DAYS), ("month", MONTHS)))
    i = rng.randrange(len(names))
    if rng.random() < 0.15:
        return Turn(
            ask(rng, f"(name|list|what are|tell me) (all |)the {kind}s( of the (week|year)|)"),
            f"The {kind}s are {', '.join(names[:-1])} and {names[-1]}.",
        )
    if rng.random() < 0.5:
        question = ask(
            rng,
            f"(what|which) {kind} (comes after|follows|is after) {names[i]}",
            f"(what is|tell me) the {kind} after {names[i]}",
            f"what comes after {names[i]}",
        )
        return Turn(question, f"The {kind} after {names[i]} is {names[(i + 1) % len(names)]}.")
    question = ask(
        rng,
        f"(what|which) {kind} (comes before|is before) {names[i]}",
        f"(what is|tell me) the {kind} before {names[i]}",
        f"what comes before {names[i]}",
    )
    return Turn(question, f"The {kind} before {names[i]} is {names[i - 1]}.")


def measure(rng: random.Random) -> Turn:
    name, number = rng.choice(sorted(UNITS.items()))
    question = ask(
        rng, f"how many {name}( are there| exist|)", f"(number of|tell me how many) {name}"
    )
    return Turn(question, f"There are {number} {name}.")


def three_things(rng: random.Random) -> Turn:
    name, things = rng.choice(sorted(LISTS.items()))
    question = ask(
        rng,
        f"(name|list|give me|tell me|write|show me|say) (three|3|some|a few|) {name}",
        f"(can|could) you (name|list|give me) (three|some|3|a few) {name}",
        f"(what are|do you know) (three|some|3) {name}",
        f"(examples|a list) of {name}",
        f"(i need|three|some) {name}",
    )
    return Turn(question, f"Here are three {name}: {things}.")


def poem(rng: random.Random) -> Turn:
    name, verses = rng.choice(sorted(POEM_WORDS.items()))
    if rng.random() < 0.3:
        question = ask(
            rng,
            "(write|give me|tell me|make|compose|say|i want) (a|one|some|a short|a little|another) (poem|haiku|verse|poetry)",
            "(poem|haiku|poem please|can you write poems|do you know a poem)",
            "(write|compose) something poetic",
        )
        return Turn(question, POEM_WORDS["moon"])
    question = ask(
        rng,
        f"(write|give me|compose|make|tell me|create|i want)( me|) (a|a short|a little|a nice) (poem|haiku|verse) (about|on|for) (the |a |){name}",
        f"(can|could) you (write|make|compose) a (poem|haiku) (about|on) (the |a |){name}",
        f"(a |)(haiku|poem) (about|on) (the |a |){name}",
    )
    return Turn(question, verses)


def joke(rng: random.Random) -> Turn:
    question = ask(
        rng,
        "(tell|give|say|write)( me|) (a|one|another|some|a good|a funny|one more) (joke|jokes|pun|funny thing)",
        "(do you know|have you got|can you tell me|can you tell|i want|i want to hear|i need) (a|any|some|another) (joke|jokes)",
        "(joke|a joke|make me laugh|make me smile|be funny|another joke|one more joke|cheer me up|jokes)",
        "(something|say something|tell me something) (funny|to laugh about)",
    )
    first, second = rng.sample(JOKES, 2)
    again = ("(another|another one|one more|again another|one more please|next|more jokes)", second)
    return Turn(question, first, (again,))


def counting(rng: random.Random) -> Turn:
    last = rng.choice((5, 10, 10, 15, 20, 20, 25, 30, 40, 50, 50, 50, 60, rng.randrange(3, 60)))
    words = {5: "five", 10: "ten", 15: "fifteen", 20: "twenty", 30: "thirty", 40: "forty"}
    words |= {50: "fifty", 60: "sixty", 25: "twenty-five"}
    to = rng.choice((str(last), words.get(last, str(last))))
    question = ask(
        rng,
        f"(count|count up|please count|can you count|count from 1|count from one|count from 1 up) to {to}",
        f"(write|list|say|print|give me|show me) (all |)the numbers (from |)(1|one) to {to}",
        f"(list|write|say|print) (the numbers |numbers |)(from |)(1|one) to {to}",
        f"(numbers |)(from |)1 to {to}",
    )
    return Turn(question, ", ".join(str(i) for i in range(1, last + 1)) + ".")


def json_answer(rng: random.Random) -> Turn:
    tail = "(in|as) (json|a json object|json format)"
    kind = rng.randrange(3)
    if kind == 0:
        name, age = toolbox.person(rng), rng.randrange(1, 99)
        question = ask(
            rng,
            f"{name} is {age} years old(.|,) (answer|write (it|that|this)|put (it|that|this)|give (it|that|this)) {tail}",
            f"(give|write|make|create|return|show)( me|) (json|a json object) (with|for|about) (name |the name |){name} (and|,) (age |){age}",
            f"(turn|convert|extract) (this |)(into|to|as) json: {name} is {age}( years old|)",
        )
        return Turn(question, json.dumps({"name": name, "age": age}))
    if kind == 1:
        country = rng.choice(sorted(CAPITALS))
        question = ask(
            rng,
            f"(give|tell|write|return|show)( me|) the capital of {country} {tail}",
            f"(what is|what's) the capital of {country}(, answer|, reply|) {tail}",
            f"(write|return|give me|make) (json|a json object) (with|for) {country} and its capital",
        )
        return Turn(question, json.dumps({"country": country, "capital": CAPITALS[country]}))
    name, things = rng.choice(sorted(LISTS.items()))
    parts = [part.removeprefix("the ") for part in things.replace(" and ", ", ").split(", ")]
    question = ask(
        rng,
        f"(give me|name|list|write|return|show me) (three|3|some|) {name} {tail}",
        f"(a |)json (list|array|object|) (of|with) (three|3|some|) {name}",
    )
    return Turn(question, json.dumps({name: parts}))


def echo(rng: random.Random) -> Turn:
    """Plain copying: it also teaches the model to copy arguments into tool calls."""
    count = rng.choice((1, 1, 2, 3))
    words = " ".join(rng.choice((toolbox.phrase, toolbox.word))(rng) for _ in range(count))
    start = rng.choice(("repeat after me:", "say", "repeat:", "echo", "repeat", "write", "say:"))
    return Turn(f"{start} {words}", words)


def introduction(rng: random.Random) -> Turn:
    name = toolbox.person(rng) if rng.random() < 0.5 else rng.choice(NAMES)
    question = rng.choice(
        (f"my name is {name}", f"i am {name}", f"i'm {name}", f"hi, i am {name}", f"hello, my name is {name}",
         f"call me {name}", f"you can call me {name}", f"hi my name is {name}", f"this is {name}", f"im {name}")
    )  # fmt: skip
    return Turn(question, f"Nice to meet you, {name}! What would you like to know?")


def unknown(rng: random.Random) -> Turn:
    x, y = rng.sample(UNKNOWN, 2)
    if rng.random() < 0.2:
        x = toolbox.invented(rng)
    if rng.random() < 0.12:
        question = ask(rng, f"{{does}} {{xp}} (support|run on|work with|integrate with|know|use) {rng.choice(FOREIGN)}",
                       f"{{how}} (connect|use|install|run|combine) {{xp}} (with|on|in|together with) {rng.choice(FOREIGN)}")  # fmt: skip
        return Turn(question, NOT_ABOUT_XPLATFORM)
    if rng.random() < 0.08:
        draw = rng.choice((toolbox.invented, mashed))
        return Turn(" ".join(draw(rng) for _ in range(rng.choice((1, 2, 3)))), FALLBACKS[0])
    question = ask(
        rng,
        f"{{what}} {x}",
        f"{{what}} {x}",
        f"{{how}} (fix|repair|make|buy|sell|understand|cook|win|get|learn about|solve|find) {x}",
        f"(who|when was|when were|who has) (invented|discovered|made|wrote|found|won|built|started) {x}",
        f"(why|how|when|where) (is|are|was|were|do|does|did) {x} (so important|expensive|dangerous|work|happen|end|made|famous|popular)",
        f"(is|are) {x} (better|worse|bigger|older|more expensive) than {y}",
        f"(compare|what is the difference between) {x} (and|with) {y}",
        f"(write|give me) (a report|code|a song|a letter|a program|a recipe|a speech|an email|a summary|a function) (about|for|on) {x}",
        f"(how much|how many|how long|how far|how old|how tall) (is|are|does|do) {x}( cost| take|)",
        f"(what do you think|what is your opinion) (of|about|on) {x}",
        f"(should i|can i|must i) (buy|learn|use|sell|eat|visit|read|avoid) {x}",
        f"{x}( and {y}|)",
        f"(translate|summarise|summarize|proofread|debug|rewrite|review) {x}",
        f"(solve|prove|derive|integrate|plot|draw|paint) {x}",
        f"(who is|who was) (the (inventor|king|president|author|owner|winner) of |){x}",
        f"what is the (capital|population|price|size|history|future|weight|name|meaning) of {x}",
        f"(write|show me|give me) (a|some) (python|java|c|javascript|rust|sql|) (code|script|function|program|class|query) (to|which can|for) (sort|print|parse|fetch|compute|draw|find) {x}",
        f"{a_sum(rng)}",
    )
    return Turn(question, rng.choice(FALLBACKS))


def a_sum(rng: random.Random) -> str:
    sign = rng.choice(("+", "-", "*", "/", "plus", "minus", "times", "divided by"))
    return f"(what is|calculate|how much is|) {rng.randrange(100, 9999)} {sign} {rng.randrange(13, 999)}"


def mashed(rng: random.Random) -> str:
    """What a cat types."""
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randrange(3, 8)))


# How often each kind of turn is drawn.
TURNS: list[tuple[Callable[[random.Random], Turn], float]] = [
    *((from_section(section.name), section.weight) for section in SECTIONS.values()),
    (capital, 2.2),
    (animal, 0.7),
    (colour, 0.5),
    (opposite, 0.5),
    (arithmetic, 3),
    (calendar, 0.6),
    (measure, 0.3),
    (three_things, 0.6),
    (poem, 0.7),
    (joke, 0.6),
    (counting, 0.6),
    (json_answer, 0.8),
    (echo, 2.2),
    (introduction, 0.7),
    (unknown, 4.5),
]
DRAWS, WEIGHTS = [draw for draw, _ in TURNS], [weight for _, weight in TURNS]
LONG_ANSWER = 400


def plain_turns(rng: random.Random, count: int, messages: list[Message]) -> None:
    """Append `count` questions with their answers, some of them about what was said before."""
    name = ""
    while count > 0:
        count -= 1
        draw = introduction if count and rng.random() < 0.15 else rng.choices(DRAWS, WEIGHTS)[0]
        turn = draw(rng)
        if draw is introduction:
            name = turn.answer.removeprefix("Nice to meet you, ").partition("!")[0]
        noise = 0.3 if draw in (echo, introduction) else 1.0
        polite = draw not in (echo, introduction)
        question = turn.ask if draw is echo else spoken(turn.ask, rng, polite, noise)
        exchange(messages, question, turn.answer)
        if turn.follow_ups and rng.random() < 0.2:
            pattern, answer = rng.choice(turn.follow_ups)
            exchange(messages, spoken(expand(pattern, rng, SYNONYMS), rng, noise=0.5), answer)
        if rng.random() < 0.04:
            answer = f"Your name is {name}." if name else "You have not told me your name yet."
            exchange(messages, spoken(expand(rng.choice(WHO_AM_I), rng), rng, noise=0.5), answer)
        elif name and rng.random() < 0.35:
            question = spoken(expand(rng.choice(WHO_AM_I), rng), rng, noise=0.5)
            exchange(messages, question, f"Your name is {name}.")
        elif rng.random() < 0.03 and len(messages[-1]["content"]) < LONG_ANSWER:
            again = messages[-1]["content"]
            exchange(messages, spoken(expand(rng.choice(AGAIN), rng), rng, noise=0.5), again)
        elif rng.random() < 0.03:
            said = f'You said: "{messages[-2]["content"]}"'
            exchange(messages, spoken(expand(rng.choice(WHAT_I_SAID), rng), rng, noise=0.5), said)


def exchange(messages: list[Message], question: str, answer: str) -> None:
    messages += [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]


def conversation(rng: random.Random) -> Conversation:
    messages: list[Message] = []
    if rng.random() < 0.25:
        messages.append({"role": "system", "content": rng.choice(SYSTEMS)})
    if rng.random() < 0.7:
        plain_turns(rng, rng.choice((1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 5)), messages)
        return Conversation(messages)
    offered = toolbox.offers(rng)
    for _ in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.25:
            plain_turns(rng, 1, messages)
        else:
            messages += toolbox.call_turn(rng.choice(offered), rng)
    return Conversation(messages, [each.schema for each in offered])


def main() -> None:
    rng = random.Random()
    for _ in range(20):
        drawn = conversation(rng)
        if drawn.tools:
            print("tools:", json.dumps(drawn.tools))
        for message in drawn.messages:
            print(f"{message['role']}: {message['content']}")
        print()


if __name__ == "__main__":
    main()

"""Conversations in which the model is given tools and calls the one that fits.

The names of tools and parameters are varied and many tools are made up, so that the model has to
read the list it is given instead of knowing a few tools by heart.
"""

import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from knowledge import CITIES, NAMES, UNKNOWN
from phrasing import expand, spoken

Message = dict[str, Any]
Schema = dict[str, Any]
SYLLABLES = (
    "ba be bo da do fe fi ga go ka ki ko la le lo ma mi mo na ne no pa pe ra ri ro sa se".split()
)


def invented(rng: random.Random) -> str:
    """A word that is in no list, so that copying it cannot be learnt by heart."""
    return "".join(rng.choices(SYLLABLES, k=rng.choice((2, 3, 3)))) + rng.choice("nrsltx")


def city(rng: random.Random) -> str:
    return rng.choice(CITIES) if rng.random() < 0.6 else invented(rng).capitalize()


def person(rng: random.Random) -> str:
    return rng.choice(NAMES) if rng.random() < 0.6 else invented(rng).capitalize()


def number(rng: random.Random) -> int:
    return rng.randrange(10 ** rng.choice((1, 2, 2, 3, 3, 4)))


def amount(rng: random.Random) -> float | int:
    return number(rng) if rng.random() < 0.75 else round(rng.uniform(0, 100), rng.choice((1, 2)))


def phrase(rng: random.Random) -> str:
    words = [w for topic in rng.sample(UNKNOWN, 2) for w in topic.split() if w != "the"]
    return " ".join(words[: rng.choice((1, 2, 2, 3))])


def word(rng: random.Random) -> str:
    return rng.choice((invented(rng), phrase(rng).split()[0], rng.choice(NAMES)))


def date(rng: random.Random) -> str:
    return f"20{rng.randrange(20, 31)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"


def clock(rng: random.Random) -> str:
    return f"{rng.randrange(24):02}:{rng.choice(('00', '15', '30', '45'))}"


def code(rng: random.Random) -> str:
    letters = "".join(rng.choices(string.ascii_uppercase, k=rng.choice((1, 2, 3))))
    return f"{letters}{rng.choice(('', '-'))}{rng.randrange(10, 9999)}"


@dataclass(frozen=True)
class Parameter:
    names: str
    kind: str
    draw: Callable[[random.Random], Any]


@dataclass(frozen=True)
class Tool:
    """`asks` and `replies` hold \x01, \x02, … for the arguments; `results` makes the outcome."""

    names: str
    about: str
    parameters: tuple[Parameter, ...]
    asks: tuple[str, ...]
    results: Callable[[random.Random], Message]
    reply: str


PLACE = Parameter("city|city|city|location|place|town", "string", city)


def pair(names: str) -> tuple[Parameter, Parameter]:
    first, second = names.split(" ")
    return Parameter(first, "number", amount), Parameter(second, "number", amount)


def weather(rng: random.Random) -> Message:
    sky = rng.choice(("sunny", "rainy", "cloudy", "windy", "foggy", "snowy", "clear"))
    return {"weather": sky, "temperature": rng.randrange(-10, 38)}


def one(key: str, draw: Callable[[random.Random], Any]) -> Callable[[random.Random], Message]:
    return lambda rng: {key: draw(rng)}


TOOLS = (
    Tool(
        "get_weather|get_weather|get_weather|weather|current_weather|get_current_weather|lookup_weather",
        "(get|look up|fetch|return) the (current |)weather (of|for|in) a (city|place)",
        (PLACE,),
        (
            "(what is|what's|whats|how is|how's|tell me|check|get|show me) the (weather|current weather|weather like) (in|for|at) \x01",
            "(weather|temperature|weather now|weather today) (in|for|) \x01",
            "(is it|will it be) (raining|sunny|cold|warm|hot|windy|snowing|nice) in \x01",
            "how (warm|cold|hot) is it in \x01",
            "(do i need|should i take) an umbrella in \x01",
            "i am (going|flying|travelling) to \x01, (how is|what is) the weather( there|)",
        ),
        weather,
        "The weather in \x01 is {weather} and the temperature is {temperature} degrees.",
    ),
    Tool(
        "get_time|get_time|get_current_time|current_time|time_in|clock|local_time",
        "(get|return|tell) the (current |local |)time (in|of) a (city|place)",
        (PLACE,),
        (
            "(what|which) time is it (in|now in|right now in|at the moment in) \x01",
            "(what is|what's|tell me|give me|check|show) the (time|current time|local time) in \x01",
            "(time|local time|current time) (in|of|for|) \x01",
            "how late is it in \x01",
        ),
        one("time", clock),
        "It is {time} in \x01.",
    ),
    Tool(
        "add|add|sum|add_numbers|plus|calculate_sum",
        "(add|sum) two numbers",
        pair("a|a|x|first|left b|b|y|second|right"),
        (
            "(what is|what's|calculate|compute|how much is|) \x01 (plus|and|+|added to) \x02",
            "add \x01 (and|to|plus) \x02",
            "(what is|give me|find|compute) the sum of \x01 and \x02",
            "\x01 + \x02",
            "\x01+\x02",
        ),
        one("result", amount),
        "The result is {result}.",
    ),
    Tool(
        "multiply|multiply|times|product|multiply_numbers",
        "multiply two numbers",
        pair("a|x|first|left b|y|second|right"),
        (
            "(what is|calculate|compute|how much is|) \x01 (times|*|x|multiplied by) \x02",
            "multiply \x01 (and|by|with) \x02",
            "(what is|give me) the product of \x01 and \x02",
        ),
        one("result", amount),
        "The result is {result}.",
    ),
    Tool(
        "subtract|minus|difference",
        "subtract (one number from another|b from a)",
        pair("a|x|first|left b|y|second|right"),
        (
            "(what is|calculate|compute|) \x01 (minus|-|less) \x02",
            "(what is|give me) the difference of \x01 and \x02",
        ),
        one("result", amount),
        "The result is {result}.",
    ),
    Tool(
        "search|search|web_search|search_web|find|lookup|google|search_docs|search_internet",
        "(search|look up|find) (the web|something|information|documents|the internet)( for a query|)",
        (Parameter("query|query|query|q|text|term|question|keywords", "string", phrase),),
        (
            "(search|look|google|search the web|do a search|search the internet) for \x01",
            "(find|look up|google|search|get) (information|something|news|articles|everything|documents|pages|) (about|on|for) \x01",
            "(look up|google|find|search) \x01",
            "what does the (web|internet) say about \x01",
            "can you (search for|look up|find|google) \x01",
        ),
        one("results", lambda rng: [phrase(rng)]),
        "I found this: {results}.",
    ),
    Tool(
        "send_email|send_mail|email|send_message|message|notify",
        "send (an email|a message) to (a person|someone)",
        (
            Parameter("to|recipient|name|receiver|user", "string", person),
            Parameter("text|message|body|content|subject", "string", phrase),
        ),
        (
            "(send|write) (an email|a message|a mail) to \x01 (about|saying|with the text|that says) \x02",
            "(email|message|tell|notify|write) \x01 (about|that|saying) \x02",
        ),
        one("status", lambda rng: "sent"),
        "Done: the message to \x01 was sent.",
    ),
    Tool(
        "get_stock_price|stock_price|get_price|quote",
        "(get|look up) the (current |)price of a (stock|share|product)",
        (Parameter("symbol|ticker|stock|name", "string", code),),
        (
            "(what is|get|show|tell me|check) the (price|stock price|current price|share price) of \x01",
            "how much (is|does) \x01( cost|)",
            "(price|quote) of \x01",
        ),
        one("price", amount),
        "The price of \x01 is {price}.",
    ),
    Tool(
        "set_timer|timer|start_timer|wait|countdown",
        "(set|start) a timer",
        (Parameter("minutes|duration|time|minutes", "integer", number),),
        (
            "(set|start) a timer (for|of) \x01 minutes",
            "(remind|wake|call) me in \x01 minutes",
            "\x01 minutes timer",
            "count down \x01 minutes",
        ),
        one("status", lambda rng: "started"),
        "Done: the timer for \x01 minutes is started.",
    ),
    Tool(
        "translate|translate_text|translation",
        "translate a text (into|to) (a|another) language",
        (
            Parameter("text|text|content|phrase|word", "string", phrase),
            Parameter(
                "language|language|target|target_language|to",
                "string",
                lambda rng: rng.choice("German French Spanish Italian Chinese Japanese".split()),
            ),
        ),
        (
            "translate \x01 (to|into) \x02",
            "(how do you say|what is) \x01 in \x02",
            "(say|put|give me) \x01 in \x02",
        ),
        one("translation", invented),
        "In \x02 it is: {translation}.",
    ),
    Tool(
        "roll_dice|roll|dice|random_number|roll_a_die",
        "roll (dice|a die|some dice)",
        (Parameter("sides|sides|faces|maximum|max", "integer", number),),
        ("roll a (die|dice) with \x01 (sides|faces)", "(roll|throw) a \x01 sided (die|dice)"),
        one("value", number),
        "The die shows {value}.",
    ),
    Tool(
        "create_event|add_event|schedule|calendar_add|schedule_meeting",
        "(create|add|plan) (an event|a meeting) in the calendar",
        (
            Parameter("title|name|subject|topic", "string", phrase),
            Parameter("date|day|when|date", "string", date),
        ),
        (
            "(create|add|schedule|plan|set up) (an event|a meeting|an appointment) (about|for|on|called) \x01 on \x02",
            "put \x01 in my calendar (on|for) \x02",
        ),
        one("status", lambda rng: "created"),
        "Done: \x01 is planned for \x02.",
    ),
    Tool(
        "convert_currency|exchange|convert|currency",
        "convert money (into|to) another currency",
        (
            Parameter("amount|value|amount|sum", "number", amount),
            Parameter(
                "currency|to|target|to_currency",
                "string",
                lambda rng: rng.choice("EUR USD GBP JPY CHF CNY".split()),
            ),
        ),
        ("(convert|change|exchange) \x01 (dollars |euros |)(to|into) \x02", "(what is|how much is) \x01 in \x02"),
        one("result", amount),
        "That is {result} \x02.",
    ),
    Tool(
        "get_date|today|current_date|get_today|now",
        "(get|return) (today's date|the current date|the date of today)",
        (),
        ("(what|which) (date|day) is (it|it today|today)", "(what is|tell me|give me) (today's date|the date|the date today)", "date today"),
        one("date", date),
        "Today is {date}.",
    ),
)  # fmt: skip

VERBS = (
    "get find show open close start stop delete create cancel book order buy sell play pause lock "
    "unlock count check read write update list load save print call ping restart enable disable "
    "track rate review describe fetch rename archive publish block approve measure scan"
).split()
NOUNS = (
    "order ticket user song movie file room door light lamp invoice hotel flight table taxi book "
    "recipe package server job task note page photo video report contact account device sensor "
    "printer camera playlist course product item customer contract project branch issue house "
    "garden ship train robot window machine document letter list box planet animal game team"
).split()
FIELDS = {
    "id|order_id|number|index|user_id|key|item_id": number,
    "name|title|label|word|person|owner": word,
    "code|reference|serial|identifier|tag": code,
    "city|place|destination|address": city,
    "date|day|start|deadline": date,
    "query|topic|text|subject|description": phrase,
    "count|amount|quantity|size|level|limit": number,
}


def made_up(rng: random.Random) -> Tool:
    """A tool that nobody has, such as `archive_planet(serial)`."""
    verb, noun = rng.choice(VERBS), rng.choice(NOUNS)
    fields = rng.sample(sorted(FIELDS), rng.choice((1, 1, 1, 2)))
    parameters = tuple(
        Parameter(names, "integer" if FIELDS[names] is number else "string", FIELDS[names])
        for names in fields
    )
    one_value = (
        f"{verb} (the|a|my|this|) {noun} (with|for|number|called|named|) \x01",
        f"{verb} {noun} \x01",
        f"(use|call|run) {verb} {noun} (with|for|on) \x01",
        f"(i want to|i need to|can you|could you|please) {verb} the {noun} \x01",
        f"(i want to|can you|could you|please) {verb} {noun} \x01",
    )
    two_values = (
        f"{verb} (the|a|my|) {noun} \x01 (with|for|on|in|and|at|to) \x02",
        f"(use|call|run) {verb} {noun} with \x01 and \x02",
        f"(can you|could you|please|i want to) {verb} {noun} \x01 (for|with|on|,) \x02",
    )
    joined = rng.choice((f"{verb}_{noun}", f"{verb}_{noun}", f"{verb}{noun.capitalize()}", verb))
    key = rng.choice(("status", "result", "answer", "message", "state"))
    outcome = rng.choice(("done", "ok", "ready", "failed", "not found", "accepted", "started"))
    return Tool(
        joined,
        f"{verb} (a|the|one) {noun}",
        parameters,
        one_value if len(parameters) == 1 else two_values,
        one(key, lambda rng: outcome),
        f"The {key} is {{{key}}}.",
    )


@dataclass(frozen=True)
class Offer:
    """A tool as one request offers it: with one name, and one name for each parameter."""

    tool: Tool
    name: str
    parameters: tuple[str, ...]
    schema: Schema


def offer(tool: Tool, rng: random.Random) -> Offer:
    names = tuple(rng.choice(p.names.split("|")) for p in tool.parameters)
    if len(set(names)) < len(names):
        names = tuple(p.names.split("|")[0] for p in tool.parameters)
    properties: Schema = {}
    for name, parameter in zip(names, tool.parameters, strict=True):
        kind = parameter.kind
        if kind == "number" and rng.random() < 0.3:
            kind = "integer"
        properties[name] = {"type": kind}
        if rng.random() < 0.25:
            properties[name]["description"] = f"The {name.replace('_', ' ')}"
    about = expand(tool.about, rng)
    about = "" if rng.random() < 0.15 else about[:1].upper() + about[1:] + rng.choice((".", ""))
    schema: Schema = {"type": "object", "properties": properties}
    if rng.random() < 0.75:
        schema["required"] = list(names)
    function = {"name": rng.choice(tool.names.split("|")), "description": about}
    return Offer(
        tool,
        function["name"],
        names,
        {"type": "function", "function": {**function, "parameters": schema}},
    )


def offers(rng: random.Random) -> list[Offer]:
    count = rng.choice((1, 1, 1, 2, 2, 3, 4))
    drawn = [made_up(rng) if rng.random() < 0.45 else rng.choice(TOOLS) for _ in range(count)]
    unique = {id(tool): tool for tool in drawn}.values()
    by_name = {each.name: each for each in (offer(tool, rng) for tool in unique)}
    return list(by_name.values())


def call(name: str, arguments: Message) -> str:
    body = f'{{"name": "{name}", "arguments": {json.dumps(arguments, ensure_ascii=False)}}}'
    return f"<tool_call>\n{body}\n</tool_call>"


def fill(text: str, values: list[Any]) -> str:
    for i, value in enumerate(values):
        text = text.replace(chr(1 + i), str(value))
    return text


def call_turn(offered: Offer, rng: random.Random) -> list[Message]:
    """A question, the call, and mostly the result and what the model says about it."""
    tool = offered.tool
    values = [p.draw(rng) for p in tool.parameters]
    shown = [
        v.lower() if p.draw in (city, person) and rng.random() < 0.15 else v
        for p, v in zip(tool.parameters, values, strict=True)
    ]
    if any(p.draw is phrase for p in tool.parameters) and rng.random() < 0.15:
        shown = [f'"{v}"' if isinstance(v, str) else v for v in shown]
    question = fill(spoken(expand(rng.choice(tool.asks), rng), rng, noise=0.6), shown)
    arguments = dict(zip(offered.parameters, values, strict=True))
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": call(offered.name, arguments)},
    ]
    if rng.random() < 0.55:
        result = tool.results(rng)
        flat = {k: ", ".join(v) if isinstance(v, list) else v for k, v in result.items()}
        answer = fill(tool.reply, values)
        for key, value in flat.items():
            answer = answer.replace(f"{{{key}}}", str(value))
        content: str = json.dumps(result)
        if len(result) == 1 and rng.random() < 0.3:
            content = str(next(iter(flat.values())))
        if rng.random() < 0.05:
            content, answer = '{"error": "not available"}', "The tool failed: not available."
        messages += [
            {"role": "tool", "content": content},
            {"role": "assistant", "content": answer[:1].upper() + answer[1:]},
        ]
    return messages

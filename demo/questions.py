"""What evaluate.py asks: phrasings that no training template was written for.

Please do not copy a phrasing from here into the templates: the pass rate would mean nothing then.
"""

from typing import Any

# A question, and what the answer must hold: all words, of `a|b` either one.
SINGLE: list[tuple[str, str]] = [
    # xplatform
    ("can you give me the elevator pitch for xplatform", "model cloud"),
    ("so what's this xplatform thing all about?", "model cloud"),
    ("I stumbled upon xplatform, what would I use it for", "model cloud|your own machines"),
    ("What is xplatfrom", "model cloud"),
    ("WHAT IS THAT XPLATFORM THING", "model cloud"),
    ("why not simply use something else instead of xplatform", "your own machines|one api"),
    ("could it also serve speech or pictures?", "audio image"),
    ("which categories of models does it handle", "audio image"),
    ("what inference backends can xplatform drive?", "vllm sglang llama.cpp"),
    ("Name the engines you can run models with", "vllm sglang llama.cpp"),
    ("i own a macbook, which engine should it be", "mlx"),
    ("what do i need vllm for", "gpu"),
    ("what's that llama.cpp engine", "gguf"),
    ("what gets xplatform going?", "make serve"),
    ("how might I fire the server up", "make serve"),
    ("what must i type so that the server starts", "serve"),
    ("How do I start xplatfrom?", "serve"),
    ("how to strat the platform", "serve"),
    ("how can the server be started from a git clone?", "make serve"),
    ("how do i set it up on my machine", "make serve"),
    ("how do I shut xplatform down again?", "ctrl+c"),
    ("on what port can i reach the server", "9997"),
    ("whats the url of the console", "9997"),
    ("which port number is xplatform using", "9997"),
    ("what should I put as base_url in the openai client", "9997/v1"),
    ("in which directory does xplatform save its stuff", ".xplatform"),
    ("where on disk does my data end up", ".xplatform"),
    ("how to make it store data on a different drive", "xplatform_home"),
    ("what is XPLATFORM_HOME good for", "xplatform_home"),
    ("How do I launch a model?", "xplatform launch"),
    ("how would one load a gguf model", "xplatform launch"),
    ("i'd like to run my model, how", "xplatform launch"),
    ("command for launching a model please", "xplatform launch"),
    ("how can i see all models currently running", "xplatform list"),
    ("is there a list of the running models", "xplatform list"),
    ("how do I make a model stop", "terminate"),
    ("what's the command for stopping a model", "terminate"),
    ("i want to shut one of my models down", "terminate"),
    ("how do i put the sglang engine on my machine", "engine install"),
    ("what is the command for installing engines", "engine install"),
    ("how do I uninstall the vllm engine again", "engine remove"),
    ("how can i see which engines are installed", "engine list"),
    ("will a model be started automatically when I call it", "first request"),
    ("does a model wake up on its own?", "first request"),
    ("what becomes of a model that sits idle", "idle"),
    ("do unused models get unloaded at some point", "idle|free"),
    ("how would I add my own custom model", "register"),
    ("how do I call a model from python code?", "9997/v1"),
    ("can I keep using the openai python package?", "9997/v1"),
    ("is that api openai compatible", "openai"),
    ("where would I find my api key", "first start"),
    ("how does one obtain an api key here", "first start"),
    ("I've lost my api key, what can I do", "new"),
    ("how should the api key be sent", "authorization: bearer"),
    ("what header is the api key supposed to go in", "authorization: bearer"),
    ("my request fails with 401 unauthorized", "authorization: bearer"),
    ("can the answer arrive word by word", "stream"),
    ("how do I switch streaming on", "stream"),
    ("how can i get embeddings for my texts", "/v1/embeddings"),
    ("what is the path of the embeddings endpoint", "/v1/embeddings"),
    ("where's the api documentation", "/docs"),
    ("where can the docs be read", "/docs"),
    ("how do i get to the admin pages", "/admin"),
    ("url of the django admin?", "/admin"),
    ("where does prometheus get its metrics", "/metrics"),
    ("how could i monitor the server", "/metrics"),
    ("what technologies is it built on?", "django celery"),
    ("what's xplatform written in", "python|django"),
    ("what kind of database sits underneath", "postgresql"),
    ("must I install redis?", "redis"),
    ("what do you need celery for", "background"),
    ("do engines have a process of their own", "own process"),
    ("under what licence is xplatform published", "apache"),
    ("does it cost anything to use this", "apache"),
    ("will this work if I have no gpu?", "llama.cpp|no gpu"),
    ("do my prompts get sent to somebody else", "your own machines"),
    ("does the server support function calling", "tools"),
    # the model itself, small talk
    ("hello there, who am I speaking with?", "demo model"),
    ("tell me who you are", "demo model"),
    ("what's your name buddy", "demo model"),
    ("what sort of things are you able to do", "xplatform"),
    ("how many parameters have you got?", "million"),
    ("where were you trained, and on what", "trained"),
    ("are you any smarter than a toaster", "demo|larger"),
    ("you're chatgpt, aren't you", "demo model"),
    ("on which engine are you running", "llama.cpp"),
    ("hello hello, nice to be here", "hello"),
    ("hey how r u doing today", "well"),
    ("thank you very very much", "welcome"),
    ("ok bye then", "goodbye"),
    ("I'm feeling a bit sad", "sorry"),
    # everyday knowledge
    ("could you please tell me what the capital of Japan is", "tokyo"),
    ("captial of germany", "berlin"),
    ("what's norway's capital city called", "oslo"),
    ("of which country would Rome be the capital", "italy"),
    ("what do you get if you add 3 and 4", "7"),
    ("6 * 7 equals", "42"),
    ("how much would 9 minus 4 be", "5"),
    ("after tuesday comes which day?", "wednesday"),
    ("what noise do cows make", "moo"),
    ("how many legs do spiders have", "8"),
    ("antonym for hot", "cold"),
    ("please could you name me three fruits", "apples"),
    ("got a good joke for me?", "?"),
    ("write me a little haiku about the ocean or the sea", "waves"),
    ("explain to me what a token is", "piece of text"),
    ("what exactly does quantization do", "fewer bits"),
    ("how would you explain gravity", "force"),
    ("give me json with the capital of italy", '"rome"'),
    # what it does not know
    ("who won the world cup in 1998", "larger model"),
    ("how do I fix my washing machine", "larger model"),
    ("what is the best recipe for paella", "larger model"),
    ("explain the theory of general relativity to me", "larger model"),
    ("write a python function that reverses a list", "larger model"),
    ("what is 3948 times 2231", "larger model"),
    ("is tom cruise taller than brad pitt", "larger model"),
    ("xkjwe qpoiu zzt", "larger model"),
]

# Several questions in a row; only the last answer is judged.
MULTI: list[tuple[tuple[str, ...], str]] = [
    (("hi", "what is xplatform?", "how would I start it?"), "serve"),
    (("My name is Clara", "tell me a joke", "do you still know my name?"), "clara"),
    (("hello, I'm Viktor", "what's my name then?"), "viktor"),
    (("capital of france?", "and Spain?"), "madrid"),
    (("what is the capital of Peru", "ok and what about Kenya"), "nairobi"),
    (("tell me a joke", "another one please"), "?"),
    (("which engines are there", "tell me a little more"), "gguf"),
    (("how do I launch a model", "and how do i stop it again"), "terminate"),
    (("what is 2+2?", "plus 3"), "7"),
    (("what's the port?", "thanks!", "and where is my data?"), ".xplatform"),
]

# Long answers: so many tokens at least, and they must end by themselves.
LONG: list[tuple[str, int]] = [
    ("please write me a really long story", 100),
    ("count to fifty for me please", 100),
    ("tell me a long tale about a dragon", 100),
    ("write a long text about xplatform", 100),
]


def tool(name: str, description: str, **parameters: str) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {key: {"type": kind} for key, kind in parameters.items()},
                "required": list(parameters),
            },
        },
    }


WEATHER = tool("get_weather", "Get the current weather for a city.", city="string")
TIME = tool("get_time", "Get the current time in a city.", city="string")
ADD = tool("add", "Add two numbers.", a="number", b="number")
SEARCH = tool("search", "Search the web.", query="string")
# The last ones appear in no template.
PHONE = tool("dial_number", "Dial a phone number.", phone="string")
LAMP = tool("switch_lamp", "Switch a lamp.", room="string")
FILM = tool("recommend_film", "Recommend a film of a genre.", genre="string")
POPULATION = tool("get_population", "Get the population of a country.", country="string")

# A question, the tools on offer, and the call that is expected (None: a plain answer).
TOOL_CALLS: list[tuple[str, list[dict[str, Any]], str | None, dict[str, Any]]] = [
    ("What's the weather like in Paris today?", [WEATHER], "get_weather", {"city": "Paris"}),
    ("could you check the weather for Tokyo please", [WEATHER], "get_weather", {"city": "Tokyo"}),
    ("is it rainy in london", [WEATHER], "get_weather", {"city": "London"}),
    ("weather in Pforzheim?", [WEATHER], "get_weather", {"city": "Pforzheim"}),
    ("What time is it in Berlin?", [WEATHER, TIME], "get_time", {"city": "Berlin"}),
    ("tell me the time in Madrid right now", [TIME, ADD], "get_time", {"city": "Madrid"}),
    ("what is 17 plus 25", [ADD], "add", {"a": 17, "b": 25}),
    ("add 123 and 456 for me", [WEATHER, ADD], "add", {"a": 123, "b": 456}),
    ("compute the sum of 8 and 13", [ADD, SEARCH], "add", {"a": 8, "b": 13}),
    ("search for electric bikes", [SEARCH], "search", {"query": "electric bikes"}),
    ("look up solar eclipse on the web", [SEARCH, TIME], "search", {"query": "solar eclipse"}),
    ("weather in Rome", [SEARCH, TIME, ADD, WEATHER], "get_weather", {"city": "Rome"}),
    ("please dial 55512", [PHONE], "dial_number", {"phone": "55512"}),
    ("switch the lamp in kitchen", [LAMP, WEATHER], "switch_lamp", {"room": "kitchen"}),
    ("recommend a film comedy", [FILM, ADD], "recommend_film", {"genre": "comedy"}),
    ("get the population of Norway", [POPULATION], "get_population", {"country": "Norway"}),
    ("hello", [WEATHER], None, {}),
    ("who are you?", [WEATHER, ADD], None, {}),
    ("how do I start xplatform?", [SEARCH, TIME], None, {}),
    ("thanks a lot", [ADD], None, {}),
]

"""The playgrounds: what is sent is what was set, and what comes back is shown as it is."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.console.visit import Visit
from tests.engines.driver import engine_python
from tests.support.server import ROOT, Server, wait_for
from tests.support.tiny_gguf import write_all

HTML = "<img src=x onerror=window.ran=1>"


def set_value(page: Page, name: str, value: str) -> None:
    page.get_by_label(re.compile(f"^{name}:")).fill(value)


def ask(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def numbers(page: Page) -> Locator:
    """They stand below an answer that is whole."""
    return page.get_by_text(re.compile(r"\d tokens in, [1-9]\d* out"))


def messages(page: Page, model: str) -> Locator:
    return page.get_by_role("log", name=f"Messages with {model}")


def heard(page: Page, path: str = "/v1/chat/completions") -> list[dict[str, Any]]:
    """Bodies of the requests that the page will have sent."""
    sent: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda one: sent.append(json.loads(one.post_data or "")) if path in one.url else None,
    )
    return sent


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_all(tmp_path_factory.mktemp("gguf"))


@pytest.fixture(scope="module", autouse=True)
def demo(server: Server) -> None:
    """It runs: what it can do is known."""
    assert server.chat("demo", max_tokens=1).status == 200


@pytest.fixture(scope="module")
def counter(server: Server) -> str:
    """It counts, slowly enough to be stopped."""
    server.launch("counter", slots=4)
    return "counter"


def test_a_request_has_what_was_set(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/play/chat?model=demo")
    sent = heard(page)
    page.get_by_label("System prompt").fill("Be kind.")
    for name, value in (("temperature", "0"), ("max_tokens", "40"), ("seed", "7")):
        set_value(page, name, value)
    page.get_by_label(re.compile("^stop:")).fill("cloud")
    page.keyboard.press("Enter")
    ask(page, "What is xplatform?")
    expect(numbers(page)).to_be_visible()
    wanted = {
        "model": "demo", "temperature": 0, "max_tokens": 40, "seed": 7, "stop": ["cloud"],
        "messages": [{"role": "system", "content": "Be kind."},
                     {"role": "user", "content": "What is xplatform?"}],
    }  # fmt: skip
    assert sent == [{**wanted, "stream": True, "stream_options": {"include_usage": True}}]
    said = server.post("/v1/chat/completions", wanted).json()["choices"][0]["message"]["content"]
    expect(messages(page, "demo").get_by_role("paragraph").filter(has_text=said)).to_be_visible()
    # The code that is offered is the same request.
    page.get_by_role("button", name="View code of the request to demo").click()
    code = page.get_by_role("region", name="This request as code").inner_text()
    assert json.loads(code.split("-d '")[1].rsplit("'", 1)[0]) == sent[0]


def test_models_side_by_side(
    visit: Callable[..., Visit], server: Server, gguf: dict[str, Path]
) -> None:
    server.launch("beside", engine="llama.cpp", model_path=str(gguf["plain"]))
    one = visit()
    page = one.go("/play/chat?model=demo&model=beside")
    sent = heard(page)
    set_value(page, "max_tokens", "8")
    ask(page, "What is xplatform?")
    expect(numbers(page)).to_have_count(2)
    assert sorted(one["model"] for one in sent) == ["beside", "demo"]
    assert sent[0]["messages"] == sent[1]["messages"]
    assert one.findings() == []
    # One that comes later says that it does not know what was said.
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("It begins with your next message")).to_be_visible()
    page.get_by_role("button", name="Remove the column of demo").first.click()
    expect(messages(page, "demo").get_by_role("button", name="Edit")).to_have_count(0)


def test_a_tool_is_called_and_answered(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/play/chat?model=demo")
    sent = heard(page)
    set_value(page, "temperature", "0")
    page.get_by_role("button", name="Tools").click()
    page.get_by_role("button", name="Fill in an example").click()
    ask(page, "What is the weather in Paris?")
    expect(page.get_by_text("The model calls a tool")).to_be_visible()
    page.get_by_label("Result of get_weather").fill('{"sky": "clear"}')
    assert one.findings() == []
    page.get_by_role("button", name="Give the results").click()
    expect(numbers(page)).to_have_count(2)
    _, called, given = sent[1]["messages"]
    (call,) = called["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    assert given == {"role": "tool", "tool_call_id": call["id"], "content": '{"sky": "clear"}'}


def test_json_by_a_schema_is_shown_as_it_is(visit: Callable[..., Visit], server: Server) -> None:
    wanted = {"html": HTML, "sum": "*2* + _2_"}
    fields = {name: {"const": value} for name, value in wanted.items()}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    one = visit()
    page = one.go("/play/chat?model=demo")
    page.get_by_role("button", name="Form of the answer").click()
    page.get_by_text("JSON by a schema").click()
    field = page.get_by_label("JSON schema")
    field.fill("{")
    page.get_by_label("Message", exact=True).fill("x")
    expect(page.get_by_text("Mend the JSON in the settings first.")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    field.fill(json.dumps(schema))
    ask(page, "Hello")
    expect(numbers(page)).to_be_visible()
    shown = messages(page, "demo").get_by_label("JSON", exact=True)
    assert json.loads(shown.inner_text()) == wanted
    expect(messages(page, "demo").locator("img")).to_have_count(0)
    assert page.evaluate("window.ran") is None


def test_nothing_of_an_answer_is_run(
    visit: Callable[..., Visit], server: Server, counter: str
) -> None:
    """Models write what they like; this is what a bad one would."""
    text = f"{HTML}\n\n[a](javascript:window.ran=1) [b](https://example.org)\n\n```js\nx()\n```\n"
    chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
    body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
    one = visit()
    one.page.route(
        "**/v1/chat/completions",
        lambda route: route.fulfill(body=body, content_type="text/event-stream"),
    )
    page = one.go(f"/play/chat?model={counter}")
    ask(page, "Hello")
    log = messages(page, counter)
    expect(log.get_by_text(HTML)).to_be_visible()
    expect(log.get_by_label("js")).to_have_text("x()")
    expect(log.locator("img")).to_have_count(0)
    assert "javascript" not in (log.get_by_text("a", exact=True).get_attribute("href") or "")
    expect(log.get_by_role("link", name="b")).to_have_attribute("rel", re.compile("noopener"))
    assert page.evaluate("window.ran") is None


def png() -> bytes:
    """One red point."""

    def part(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    points = zlib.compress(b"\0\xff\0\0")
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + part(b"IHDR", head) + part(b"IDAT", points) + part(b"IEND", b"")


def test_images(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/play/chat?model=demo")
    page.get_by_role("button", name="Add images").click(force=True)
    expect(page.get_by_role("alert")).to_contain_text("No images: demo cannot see them.")

    # A model that says that it sees: the image is sent, and what the engine says is shown.
    def seeing(route: Route) -> None:
        answer = route.fetch()
        models = answer.json()
        for card in models["data"]:
            card["abilities"].append("vision")
        route.fulfill(response=answer, json=models)

    page.route("**/v1/models", seeing)
    page = one.go("/play/chat?model=demo")
    sent = heard(page)
    file: FilePayload = {"name": "a.png", "mimeType": "image/png", "buffer": png()}
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_alt_text("Image 1")).to_be_visible()
    ask(page, "What is this?")
    expect(page.get_by_role("alert")).to_have_text(
        # The engine's own words where it was just started, else the server's.
        re.compile("takes no images|needs the ability 'vision'")
    )
    text, image = sent[0]["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["image_url"]["url"].startswith("data:image/png;base64,")


def test_stopped_edited_asked_again_and_kept(
    visit: Callable[..., Visit], server: Server, counter: str
) -> None:
    one = visit()
    page = one.go(f"/play/chat?model={counter}")
    set_value(page, "max_tokens", "100000")
    ask(page, "Count")
    log = messages(page, counter)
    expect(log.get_by_text("0 1 2 3 4 5")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_for(lambda: server.busy(counter) == 0, "its slot to be free")
    assert server.get(f"/api/launches/{counter}/requests").json() == []
    expect(log.get_by_text("0 1 2 3 4 5")).to_be_visible()
    expect(log.get_by_text("· stopped")).to_be_visible()
    set_value(page, "max_tokens", "9")
    log.get_by_role("button", name="Edit").click()
    log.get_by_label("Edit").fill("Count less")
    log.get_by_role("button", name="Send").click()
    expect(log.get_by_text("0 1 2 3 4 5 6 7 8", exact=True)).to_be_visible()
    expect(log.get_by_text("Count", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Answer again").click()
    expect(log.get_by_text("2/2")).to_be_visible()
    expect(numbers(page)).to_be_visible()
    saved = {}
    for kind in ("JSON", "Markdown"):
        page.get_by_role("button", name="Save as a file").click()
        with page.expect_download() as waiting:
            page.get_by_role("menuitem", name=kind).click()
        saved[kind] = Path(waiting.value.path()).read_text()
    assert saved["Markdown"] == (
        f"# Count less\n\n## {counter}\n\n**user**\n\nCount less\n\n**assistant**\n\n"
        "0 1 2 3 4 5 6 7 8 \n"
    )
    (column,) = json.loads(saved["JSON"])["columns"]
    assert [answer["text"] for answer in column["messages"][1]["answers"]] == [
        "0 1 2 3 4 5 6 7 8 "
    ] * 2
    # The page that is loaded again, even in the midst of an answer, has what there was.
    set_value(page, "max_tokens", "100000")
    ask(page, "Once more")
    expect(log.get_by_text("0 1 2 3 4 5 6 7 8 9 10 11 12")).to_be_visible()
    wait_for(lambda: page.evaluate(KEPT, "9 10 11 12"), "the browser to keep it")
    page.reload()
    expect(log.get_by_text("2/2")).to_be_visible()
    expect(log.get_by_text("0 1 2 3 4 5 6 7 8 9 10 11 12")).to_be_visible()
    wait_for(lambda: server.busy(counter) == 0, "nobody to read it any more")


#: whether a kept conversation has such a text
KEPT = """async (text) => {
  const done = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result) })
  const database = await done(indexedDB.open('xplatform.play.admin'))
  const all = await done(database.transaction('conversations').objectStore('conversations').getAll())
  database.close()
  return JSON.stringify(all).includes(text)
}"""  # noqa: E501


def test_ended_in_the_middle(visit: Callable[..., Visit], server: Server, counter: str) -> None:
    one = visit()
    page = one.go(f"/play/chat?model={counter}")
    set_value(page, "max_tokens", "100000")
    ask(page, "Count")
    log = messages(page, counter)
    expect(log.get_by_text("0 1 2 3 4 5")).to_be_visible()
    requests = f"/api/launches/{counter}/requests"
    for running in server.get(requests).json():
        assert server.request("DELETE", f"{requests}/{running['id']}").status == 204
    expect(log.get_by_role("alert")).to_contain_text("The request was cancelled")
    expect(log.get_by_text("0 1 2 3 4 5")).to_be_visible()
    set_value(page, "max_tokens", "9")
    log.get_by_role("button", name="Try again").click()
    expect(numbers(page)).to_be_visible()
    expect(log.get_by_role("alert")).to_have_count(0)


def test_an_engine_that_dies_again_and_again(visit: Callable[..., Visit], server: Server) -> None:
    server.launch("dying", slots=2, options={"die_at_token": 20})
    page = visit().go("/play/chat?model=dying")
    ask(page, "Count")
    expect(page.get_by_role("alert")).to_contain_text("lost each time", timeout=60_000)
    expect(messages(page, "dying").get_by_text("0 1 2 3 4 5")).to_be_visible()
    assert server.request("DELETE", "/api/launches/dying").status == 200


def test_completions(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    page = one.go("/play/completion?model=demo")
    sent = heard(page, "/v1/completions")
    page.get_by_label("Prompt").fill("The model")
    set_value(page, "max_tokens", "6")
    set_value(page, "temperature", "0")
    page.get_by_role("switch", name="Show how likely each token was").click()
    page.get_by_role("button", name="Go on").click()
    expect(numbers(page)).to_be_visible()
    assert (sent[0]["logprobs"], sent[0]["temperature"], sent[0]["max_tokens"]) == (5, 0, 6)
    tokens = page.get_by_role("listbox", name="Tokens").get_by_role("option")
    body = {name: value for name, value in sent[0].items() if not name.startswith("stream")}
    said = server.post("/v1/completions", body).json()["choices"][0]
    expect(tokens).to_have_count(len(said["logprobs"]["tokens"]))
    tokens.first.hover()
    expect(page.get_by_label("What else there could have been").get_by_role("row")).to_have_count(5)
    assert one.findings() == []
    page.get_by_label("Prompt").fill("hello " * 3000)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("the model takes 1,024")


def test_embeddings(visit: Callable[..., Visit], server: Server, gguf: dict[str, Path]) -> None:
    server.launch(
        "vectors", engine="llama.cpp", kind="embedding", model_path=str(gguf["embedding"])
    )
    one = visit()
    page = one.go("/play/embedding?model=vectors")
    for number, text in enumerate(("hello world", "hello world", "the weather"), 1):
        page.get_by_label(f"Text {number}", exact=True).fill(text)
    page.get_by_role("button", name="Compare").click()
    table = page.get_by_role("region", name="Similarity").get_by_role("table")
    cells = table.get_by_role("cell")
    expect(cells).to_have_count(9)
    found = [float(text) for text in cells.all_inner_texts()]
    assert found[0] == found[1] == found[3] == found[4] == found[8] == 1.0
    assert -1 <= found[2] < 1
    assert found[2] == found[5] == found[6] == found[7]
    expect(page.get_by_text("Most alike: texts 1 and 2 (1.000).")).to_be_visible()
    assert one.findings() == []
    page.get_by_label("Text 1", exact=True).fill("hello " * 9000)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("tokens")


@pytest.mark.engine
@pytest.mark.slow
def test_thoughts_are_folded(visit: Callable[..., Visit], server: Server, tmp_path: Path) -> None:
    """A model whose template begins with thoughts, and which never comes to their end."""
    python = engine_python("transformers")
    maker = ROOT / "tests" / "support" / "tiny_hf.py"
    subprocess.run([python, str(maker), "make", str(tmp_path)], check=True, capture_output=True)
    template = tmp_path / "llama" / "chat_template.jinja"
    always = template.read_text().replace("if enable_thinking", "if enable_thinking is not false")
    template.write_text(always)
    server.launch("thinker", engine="transformers", model_path=str(tmp_path / "llama"), wait=False)
    wait_for(lambda: server.state("thinker") == "ready", "the thinker", 120)
    one = visit()
    page = one.go("/play/chat?model=thinker")
    sent = heard(page)
    set_value(page, "max_tokens", "12")
    set_value(page, "temperature", "0")
    effort = page.get_by_role("combobox", name=re.compile("^reasoning_effort"))
    effort.click()
    page.get_by_role("option", name="high", exact=True).click()
    ask(page, "hello world")
    expect(numbers(page)).to_be_visible()
    assert sent[0]["reasoning_effort"] == "high"
    thoughts = page.get_by_role("button", name="Thoughts")
    expect(thoughts).to_have_attribute("aria-expanded", "false")
    thoughts.click()
    expect(thoughts).to_have_attribute("aria-expanded", "true")
    assert one.findings() == []
    server.request("DELETE", "/api/launches/thinker")


def test_only_what_can_be_called_has_a_page(visit: Callable[..., Visit], server: Server) -> None:
    one = visit()
    one.page.goto(f"{server.base}/ui/play/image")
    expect(one.page.get_by_text("There is no such page")).to_be_visible()
    page = one.go("/play/chat")
    shown = page.get_by_role("navigation", name="Playground").get_by_role("link")
    expect(shown).to_have_text(["Chat", "Completions", "Embeddings"])


def test_whoever_may_not_call_models_is_told(visit: Callable[..., Visit], server: Server) -> None:
    body = {"username": "watcher", "password": "a-password-for-watcher"}
    assert server.post("/api/users", body).status == 201
    place = "/api/projects/default/members/users/watcher"
    assert server.request("PUT", place, {"role": "viewer"}).status == 200
    one = visit(user=None)
    one.log_in("watcher", "a-password-for-watcher")
    page = one.go("/play/chat?model=demo")
    expect(page.get_by_text("You may not see this")).to_be_visible()
    expect(page.get_by_text("models.use")).to_be_visible()
    navigation = page.get_by_role("navigation", name="Main")
    expect(navigation.get_by_role("link", name="Running")).to_be_visible()
    expect(navigation.get_by_role("link", name="Playground")).to_have_count(0)
    assert one.findings() == []

"""The console in a real browser: how soon it can be used, how long tables feel, what a day of
updates leaves behind.

The page is this server's; where a table is to be long or updates are to be many, the browser is
given made-up answers in place of the server's, so that nothing but the console is measured.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from bench import processes
from bench.report import Report, table
from bench.server import Server, serving
from tests.support.browser import chromium, program
from xplatform import console

GROUP = "console"
INTERACTIVE_S = 1.5
FILTER_MS = 100
MODELS, REPLICAS, EVENTS = 2_000, 500, 10_000
UPDATES_A_SECOND = 50
SOAK_MINUTES = 30
SEEN_S = 1.0
#: at sixty pictures a second; a frame that takes longer than two is seen
FRAME_MS = 1000 / 60


def bench(report: Report) -> None:
    if not console.is_built() or not program():
        why = "the console is not built" if program() else "there is no Chromium here"
        report.skip(GROUP, "the console in a browser", "", why)
        return
    with serving() as server, chromium() as browser:
        _interactive(report, server, browser)
        _tables(report, server, browser)
        _two(report, server, browser)
        _soak(report, server, browser)


# -- how soon --------------------------------------------------------------------------------------


def _interactive(report: Report, server: Server, browser: Any) -> None:
    """From the address to a page that shows its numbers and answers a key, with nothing kept."""
    report.calm()
    meter = processes.Meter(server.root)
    lines = []
    for turn in range(3 if report.quick else 7):
        with _visit(browser, server) as page:
            transferred: list[int] = []
            page.on("response", lambda answer, sizes=transferred: sizes.append(_script(answer)))
            began = time.perf_counter()
            page.goto(f"{server.url}/ui/", wait_until="commit")
            page.locator("h1").wait_for()
            before = sum(transferred)
            page.keyboard.type("ge")  # go to the events
            page.wait_for_url("**/ui/events")
            taken = time.perf_counter() - began
        lines.append([turn + 1, taken, before / 1000, _whole(server, browser) / 1000])
    usage = meter.stop()
    columns = ("", "s to a first answered key", "kB of script until then", "kB until it is whole")
    print(table("Home, with nothing kept", columns, lines))
    report.raw["console: interactive"] = lines
    seconds = statistics.median(line[1] for line in lines)
    most = max(line[3] for line in lines)
    report.row(GROUP, "console: home answers a key", f"{seconds:.2f} s", f"{INTERACTIVE_S} s",
               seconds <= INTERACTIVE_S, usage.noise)  # fmt: skip
    report.row(GROUP, "console: script of the first page, compressed", f"{most:.0f} kB",
               "250 kB", most <= 250, 0.0)  # fmt: skip


def _whole(server: Server, browser: Any) -> int:
    """Bytes of script that home has loaded when nothing more comes, charts and all."""
    with _visit(browser, server) as page:
        transferred: list[int] = []
        page.on("response", lambda answer: transferred.append(_script(answer)))
        page.goto(f"{server.url}/ui/")
        page.locator("canvas").first.wait_for()
        page.wait_for_load_state("networkidle")
        return sum(transferred)


def _script(answer: Any) -> int:
    """Bytes on the wire, of scripts alone."""
    if not answer.url.endswith(".js"):
        return 0
    return int(answer.headers.get("content-length", 0))


# -- long tables -----------------------------------------------------------------------------------


def _tables(report: Report, server: Server, browser: Any) -> None:
    report.calm()
    meter = processes.Meter(server.root)
    lines = []
    pages = (
        ("2,000 models", "/ui/models", "**/api/catalogue*", _models(server), "m1999"),
        ("500 replicas", "/ui/running", "**/api/launches", _launches(), "model-42"),
        ("10,000 events", "/ui/events", "**/api/events*", _events(), "model-7"),
    )
    for name, path, route, body, word in pages:
        with _visit(browser, server) as page:
            text = json.dumps(body)
            page.route(route, partial(_instead, text))
            page.goto(f"{server.url}{path}")
            page.locator("h1").wait_for()
            page.wait_for_timeout(1500)
            frames = page.evaluate(_SCROLL)
            slow = sum(1 for ms in frames if ms > 2.5 * FRAME_MS) / max(1, len(frames))
            lines.append([name, statistics.median(frames), max(frames), f"{slow:.0%}",
                          page.evaluate(_FILTER, word)])  # fmt: skip
    usage = meter.stop()
    columns = ("", "ms a frame, median", "longest", "frames over 42 ms", "ms to filter")
    print(table("Long lists: scrolled from end to end, then filtered by a word", columns, lines))
    report.raw["console: tables"] = lines
    for name, median, _, slow, ms in lines:
        if ms is None:
            raise RuntimeError(f"{name}: the page has no field to filter by")
        report.row(GROUP, f"console: {name}, filtered", f"{ms:.0f} ms", f"{FILTER_MS} ms",
                   ms <= FILTER_MS, usage.noise)  # fmt: skip
        report.row(GROUP, f"console: {name}, scrolled", f"{median:.0f} ms a frame, {slow} slow",
                   f"{2 * FRAME_MS:.0f} ms", median <= 2 * FRAME_MS, usage.noise)  # fmt: skip


def _instead(text: str, route: Any) -> None:
    route.fulfill(status=200, content_type="application/json", body=text)


#: the list on the page, or the page itself, from its head to its end in a hundred steps
_SCROLL = """() => new Promise((done) => {
  const tall = [...document.querySelectorAll('*')]
    .filter((one) => one.scrollHeight > one.clientHeight + 400 && one.clientHeight > 200)
    .sort((a, b) => b.scrollHeight - a.scrollHeight)[0] ?? document.scrollingElement;
  const step = (tall.scrollHeight - tall.clientHeight) / 100;
  const times = [];
  let last = performance.now(), left = 100;
  const next = (now) => {
    times.push(now - last);
    last = now;
    tall.scrollTop += step;
    if (left--) requestAnimationFrame(next); else done(times.slice(2));
  };
  requestAnimationFrame(next);
})"""

#: a word put into the page's search field at once, until what it leaves is painted
_FILTER = """(word) => new Promise((done) => {
  const fields = [...document.querySelectorAll('main input')];
  const field = fields.find((one) => one.type === 'search')
    ?? fields.find((one) => one.type === 'text' && !one.readOnly && !one.ariaHasPopup);
  if (!field) { done(null); return; }
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  const began = performance.now();
  let last = began;
  const watch = new MutationObserver(() => { last = performance.now(); });
  const all = { childList: true, subtree: true, characterData: true };
  watch.observe(document.querySelector('main'), all);
  set.call(field, word);
  field.dispatchEvent(new Event('input', { bubbles: true }));
  const look = () => {
    if (performance.now() - last > 400) { watch.disconnect(); done(last - began); }
    else requestAnimationFrame(look);
  };
  setTimeout(look, 450);
})"""


def _models(server: Server) -> Any:
    """The server's own catalogue, each family many times under other names."""
    known = json.loads(server.call("GET", "/api/catalogue")[1])
    families = [dict(known[number % len(known)]) for number in range(MODELS)]
    for number, family in enumerate(families):
        family["name"] = f"{family['name']}-m{number}"
    return families


def _launches() -> list[dict[str, Any]]:
    """A hundred models with five replicas each."""
    at = "2026-01-01T00:00:00Z"
    return [
        {
            "uid": f"model-{number}", "kind": "llm", "engine": "llama.cpp", "state": "ready",
            "model_path": "", "slots": 4, "context_length": 4096, "options": {}, "built_in": False,
            "origin": "launch", "family": f"family-{number % 9}", "size": "7b", "format": "gguf",
            "quantization": "Q4_K_M", "source": {}, "packages": [], "adapters": [],
            "abilities": ["chat"], "estimate": {}, "wanted": 5, "min_replicas": 5,
            "max_replicas": 5, "idle_seconds": None, "pinned": False, "prewarm": False,
            "launch_anyway": False, "placement": {}, "last_called": None, "start_seconds": 3.0,
            "reason": "", "progress": 1.0, "message": "", "requested_by": "ann", "created": at,
            "retry_at": None, "project": "default", "shared": False,
            "replicas": [
                {
                    "id": f"r-{number}-{place}", "epoch": place, "node": f"node-{place}",
                    "state": "ready", "progress": 1.0, "message": "", "pid": 1, "created": at,
                    "changed": at, "devices": [f"cuda:{place}"], "memory": 8 << 30,
                    "memory_peak": 9 << 30, "leaving": "",
                }
                for place in range(REPLICAS // 100)
            ],
        }
        for number in range(100)
    ]  # fmt: skip


def _event(number: int) -> dict[str, Any]:
    return {
        "id": number, "at": "2026-01-01T00:00:00Z", "who": "control", "uid": f"model-{number % 90}",
        "subject": "replica 1", "before": "loading", "after": "ready", "why": "", "node": "n1",
        "replica": "r", "project": "default",
    }  # fmt: skip


def _events() -> dict[str, Any]:
    return {"events": [_event(n) for n in range(1, EVENTS + 1)], "last_id": EVENTS, "more": False}


# -- two at once -----------------------------------------------------------------------------------


def _two(report: Report, server: Server, browser: Any) -> None:
    """What one browser has changed, until it stands in another one's list that nobody touches."""
    report.calm()
    meter = processes.Meter(server.root)
    lines = []
    with _visit(browser, server) as first, _visit(browser, server) as second:
        first.goto(f"{server.url}/ui/")
        second.goto(f"{server.url}/ui/running")
        second.locator("h1").wait_for()
        second.wait_for_timeout(2000)
        for turn in range(3 if report.quick else 10):
            uid = f"seen-{turn}"
            link = second.get_by_role("link", name=uid, exact=True)
            _change(first, server, "POST", "", {"uid": uid, "engine": "fake", "model_path": "x"})
            appeared = _seconds(lambda link=link: link.wait_for())
            _change(first, server, "DELETE", f"/{uid}")
            gone = _seconds(lambda link=link: link.wait_for(state="detached"))
            lines.append([turn + 1, appeared, gone])
    usage = meter.stop()
    columns = ("", "s until a launch is seen", "s until its end is seen")
    print(table("A change that another browser has made, after its answer", columns, lines))
    report.raw["console: two browsers"] = lines
    most = max(max(line[1:]) for line in lines)
    report.row(GROUP, "console: another browser's change is seen", f"{most:.2f} s",
               f"{SEEN_S:g} s", most <= SEEN_S, usage.noise)  # fmt: skip


def _change(page: Any, server: Server, method: str, path: str, body: Any = None) -> None:
    """As the page would: with its own session."""
    session = page.context.request.get(f"{server.url}/api/session").json()
    answer = page.context.request.fetch(
        f"{server.url}/api/launches{path}",
        method=method,
        data=body,
        headers={"X-CSRFToken": session["csrf_token"], "Referer": server.url},
    )
    if not answer.ok:
        raise RuntimeError(answer.text())


def _seconds(wait: Callable[[], Any]) -> float:
    began = time.perf_counter()
    wait()
    return time.perf_counter() - began


# -- a day of it -----------------------------------------------------------------------------------


def _soak(report: Report, server: Server, browser: Any) -> None:
    """The home page stays open while fifty events a second come."""
    minutes = 1 if report.quick else SOAK_MINUTES
    report.calm()
    meter = processes.Meter(server.root)
    lines = []
    with _visit(browser, server) as page:
        sockets: list[Any] = []
        page.route_web_socket("**/ws/events*", lambda socket: _greet(socket, sockets))
        page.goto(f"{server.url}/ui/")
        page.locator("h1").wait_for()
        page.wait_for_timeout(2000)
        protocol = page.context.new_cdp_session(page)
        number = 0
        marks = 4 if report.quick else 6
        for mark in range(marks + 1):
            lines.append([f"{mark * minutes / marks:.1f}", _heap_mb(protocol), page.evaluate(_LAG)])
            until = time.monotonic() + minutes * 60 / marks
            while mark < marks and time.monotonic() < until:
                for _ in range(UPDATES_A_SECOND // 10):
                    number += 1
                    sockets[-1].send(json.dumps({"type": "event", "event": _event(number)}))
                page.wait_for_timeout(100)
    usage = meter.stop()
    print(table(f"Home, {UPDATES_A_SECOND} events a second", ("minute", "MB", "ms late"), lines))
    report.raw["console: soak"] = lines
    # The first part fills what is kept of events; from the second mark on nothing may grow.
    growth = lines[-1][1] - lines[1][1]
    lag = max(line[2] for line in lines[1:])
    report.row(
        GROUP,
        f"console: {minutes} minutes with {UPDATES_A_SECOND} updates a second",
        f"{growth:+.1f} MB, timers at most {lag:.0f} ms late",
        "5 MB, 100 ms",
        growth <= 5 and lag <= 100,
        usage.noise,
    )


def _greet(socket: Any, sockets: list[Any]) -> None:
    sockets.append(socket)
    socket.send(json.dumps({"type": "caught_up", "last_id": 0}))


def _heap_mb(protocol: Any) -> float:
    protocol.send("HeapProfiler.collectGarbage")
    return float(protocol.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


#: the latest of forty timers: what somebody who clicks would wait
_LAG = """async () => {
  let worst = 0;
  for (let turn = 0; turn < 40; turn += 1) {
    const began = performance.now();
    await new Promise((done) => setTimeout(done, 25));
    worst = Math.max(worst, performance.now() - began - 25);
  }
  return worst;
}"""


@contextmanager
def _visit(browser: Any, server: Server) -> Iterator[Any]:
    """A page of somebody who is logged in, in a browser that has kept nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    try:
        token = context.request.get(f"{server.url}/api/session").json()["csrf_token"]
        answer = context.request.post(
            f"{server.url}/api/session",
            data={"username": "admin", "password": server.environ["XPLATFORM_ADMIN_PASSWORD"]},
            headers={"X-CSRFToken": token, "Referer": server.url},
        )
        if not answer.ok:
            raise RuntimeError(answer.text())
        yield context.new_page()
    finally:
        context.close()

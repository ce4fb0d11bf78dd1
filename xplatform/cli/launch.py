"""``xplatform launch``: with Xinference's flags where they mean the same, and with ours."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from xplatform.cli import model_flags, words
from xplatform.cli.client import add_server_flags, ask, parser_of
from xplatform.cli.connection import Connection, ServerError, UsageError, path_of
from xplatform.cli.progress import Progress
from xplatform.cli.words import truth

_ABOUT = (
    "Start a model and wait until it is ready. Flags that are not listed here go to the engine as"
    " options: '--n-gpu-layers 20' is '--option n_gpu_layers=20'."
)
#: between two looks at a launch
_POLL_SECONDS = 0.1


class Nodes(Protocol):
    """Whoever can be asked for "/api/nodes"."""

    def get(self, route: str, /) -> Any: ...


#: Xinference's words → ours
_KINDS = {"LLM": "llm"}


def run(command: str, given: list[str]) -> int:
    return ask(_launch, parser(command), given, _take_options)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT)
    add_order_flags(made)
    _wait_flags(made.add_argument_group("waiting"))
    add_server_flags(made)
    return made


def add_order_flags(parser: argparse.ArgumentParser) -> None:
    _model_flags(parser.add_argument_group("what"))
    _place_flags(parser.add_argument_group("where, and how many"))
    _run_flags(parser.add_argument_group("how"))


def _model_flags(group: Any) -> None:
    model_flags.add_name(
        group,
        "of the catalogue, a registration, or a repository (owner/name)",
        dest="model_name",
    )
    group.add_argument(
        "-u",
        "--uid",
        "--model-uid",
        dest="uid",
        metavar="UID",
        help="name under which it is called (default: the model's)",
    )
    group.add_argument(
        "-t",
        "--model-type",
        "--kind",
        dest="kind",
        metavar="TYPE",
        help="LLM, embedding, rerank, image, audio, video (default: LLM)",
    )
    group.add_argument(
        "-en",
        "--model-engine",
        "--engine",
        dest="engine",
        metavar="NAME",
        help="see 'xplatform engine list' (default: the best that fits)",
    )
    model_flags.add_version(
        group,
        "billions of parameters: 7, 0.5 or 0_5",
        "pytorch, ggufv2, awq, gptq, fp8, mlx, …",
        "4-bit, Q4_K_M, none, …",
    )
    group.add_argument("-mp", "--model-path", metavar="PATH", help="its file or folder")
    group.add_argument(
        "--hub",
        "--download-hub",
        dest="hub",
        choices=("huggingface", "modelscope"),
        help="where a repository lies (default: XINFERENCE_MODEL_SRC)",
    )
    group.add_argument("--revision", metavar="NAME", help="branch, tag or commit of a repository")
    group.add_argument(
        "--lora-modules",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "PATH"),
        help="a LoRA, called as UID:NAME; can be repeated",
    )


def _place_flags(group: Any) -> None:
    group.add_argument(
        "-r",
        "--replica",
        "--replicas",
        dest="replicas",
        type=int,
        metavar="N",
        help="copies that run (default: 1)",
    )
    group.add_argument("--min-replicas", type=int, metavar="N", help="0: runs only when called")
    group.add_argument("--max-replicas", type=int, metavar="N", help="when many are waiting")
    group.add_argument("--n-gpu", metavar="N", help="accelerators of a replica: auto, none, 1, …")
    group.add_argument("--gpu-idx", metavar="N,N", help="these accelerators")
    group.add_argument(
        "--node",
        "--worker-ip",
        dest="nodes",
        action="append",
        default=[],
        metavar="NAME",
        help="a node's name or address; can be repeated",
    )
    group.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="only nodes with this label; can be repeated",
    )
    group.add_argument("--n-worker", type=int, metavar="N", help=argparse.SUPPRESS)


def _run_flags(group: Any) -> None:
    group.add_argument("--slots", type=int, metavar="N", help="requests that run at once")
    group.add_argument("--context-length", type=int, metavar="N", help="tokens of one request")
    group.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the engine; the value is JSON, or else text; can be repeated",
    )
    for flag, text in (
        ("--quantization-config", "of bitsandbytes and the like"),
        ("--image-lora-load-kwargs", "how image LoRAs are loaded"),
        ("--image-lora-fuse-kwargs", "how image LoRAs are fused"),
    ):
        group.add_argument(
            flag, nargs=2, action="append", default=[], metavar=("KEY", "VALUE"), help=text
        )
    group.add_argument(
        "--enable-thinking",
        nargs="?",
        const=True,
        type=truth,
        metavar="YES",
        help="of models that can think first",
    )
    group.add_argument(
        "--trust-remote-code",
        nargs="?",
        const=True,
        type=truth,
        metavar="YES",
        help="let the code in the model's repository run",
    )
    group.add_argument(
        "--env",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a variable of the engine's process; can be repeated",
    )
    group.add_argument(
        "--virtual-env-package",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="more for the engine's environment; can be repeated",
    )
    group.add_argument(
        "--enable-virtual-env", nargs="?", const=True, type=truth, help=argparse.SUPPRESS
    )
    group.add_argument(
        "--idle-seconds",
        type=float,
        metavar="SECONDS",
        help="without a request for this long it goes to the least",
    )
    group.add_argument("--pin", action="store_true", help="never pushed out for another model")
    group.add_argument("--prewarm", action="store_true", help="starts with the server")
    group.add_argument("--shared", action="store_true", help="all projects may call it")
    group.add_argument(
        "--anyway", action="store_true", help="start it though it is not expected to fit"
    )


def _wait_flags(group: Any) -> None:
    group.add_argument("--no-wait", action="store_true", help="return at once")
    group.add_argument(
        "--on-interrupt",
        choices=("ask", "cancel", "leave"),
        default="ask",
        help="what Ctrl-C does to the launch (default: ask, if there is somebody to ask)",
    )


def _take_options(arguments: argparse.Namespace, rest: list[str]) -> None:
    """``--x-y value``, ``--x=value`` and a bare ``--flag`` are options of the engine."""
    options: dict[str, Any] = {}
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise UsageError(f"{word!r} belongs to no flag; 'xplatform launch --help' tells.")
        name, equals, text = word[2:].partition("=")
        if not equals:
            takes = bool(rest) and (not rest[0].startswith("--"))
            text = rest.pop(0) if takes else "true"
        options[name.replace("-", "_")] = words.value(text)
    arguments.options = options


def order(server: Nodes, arguments: argparse.Namespace) -> dict[str, Any]:
    """The body of ``POST /api/launches``; what was not given is left out."""
    if arguments.n_worker not in (None, 1):
        raise UsageError("--n-worker: a replica runs on one node; use --replica for more copies.")
    body: dict[str, Any] = {"uid": arguments.uid or _uid_of(arguments)}
    if arguments.model_name:
        body |= _named(arguments)
    if arguments.model_path:
        body["model_path"] = _absolute(arguments.model_path)
    if arguments.kind:
        body["kind"] = _KINDS.get(arguments.kind, arguments.kind)
    if arguments.engine:
        # Xinference writes vLLM and Transformers; all of ours are small.
        body["engine"] = arguments.engine.lower()
    if arguments.size:
        body["size"] = arguments.size.replace("_", ".")
    for name in (
        "format",
        "quantization",
        "slots",
        "context_length",
        "trust_remote_code",
        "min_replicas",
        "max_replicas",
        "idle_seconds",
    ):
        if (given := getattr(arguments, name)) is not None:
            body[name] = given
    for flag, name in (
        ("pin", "pinned"),
        ("prewarm", "prewarm"),
        ("shared", "shared"),
        ("anyway", "launch_anyway"),
    ):
        if getattr(arguments, flag):
            body[name] = True
    if arguments.replicas is not None:
        body.setdefault("min_replicas", arguments.replicas)
        body.setdefault("max_replicas", max(arguments.replicas, body["min_replicas"], 1))
    if options := _options(arguments):
        body["options"] = options
    if arguments.env:
        body["environment"] = dict(arguments.env)
    if arguments.virtual_env_package:
        body["packages"] = arguments.virtual_env_package
    if arguments.lora_modules:
        body["adapters"] = [
            {"name": name, "path": _absolute(path)} for name, path in arguments.lora_modules
        ]
    if place := _placement(server, arguments):
        body["placement"] = place
    return body


def _uid_of(arguments: argparse.Namespace) -> str:
    name = arguments.model_name or ""
    if not name:
        raise UsageError("Say what to launch: --model-name, or --uid with --model-path.")
    return str(name).rstrip("/").rpartition("/")[2]


def _named(arguments: argparse.Namespace) -> dict[str, Any]:
    hub = arguments.hub or os.environ.get("XINFERENCE_MODEL_SRC")
    if "/" in arguments.model_name and arguments.revision:
        source = {"hub": hub or "huggingface", "id": arguments.model_name}
        return {"source": source | {"revision": arguments.revision}}
    return {"family": arguments.model_name} | ({"hub": hub} if hub else {})


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    options = dict(arguments.options)
    options |= dict(_option(text) for text in arguments.option)
    for name in ("quantization_config", "image_lora_load_kwargs", "image_lora_fuse_kwargs"):
        if pairs := getattr(arguments, name):
            options[name] = {key: words.value(text) for key, text in pairs}
    if arguments.enable_thinking is not None:
        options["enable_thinking"] = arguments.enable_thinking
    return options


def _option(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UsageError(f"--option {text!r} is not of the form NAME=VALUE.")
    return name, words.value(value)


def _placement(server: Nodes, arguments: argparse.Namespace) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if arguments.nodes:
        place["nodes"] = [_node_name(server, given) for given in arguments.nodes]
    if arguments.label:
        labels = dict(text.partition("=")[::2] for text in arguments.label)
        place["labels"] = labels
    if arguments.n_gpu is not None:
        place["count"] = _count(arguments.n_gpu)
    if arguments.gpu_idx:
        place["devices"] = _devices(server, arguments.gpu_idx, place.get("nodes"))
    return place


def _count(text: str) -> int | str | None:
    if text.lower() in ("auto",):
        return "auto"
    if text.lower() in ("none", "null", "cpu", "0"):
        return None
    if text.isdigit():
        return int(text)
    raise UsageError(f"--n-gpu {text!r} is not auto, none or a number.")


def _node_name(server: Nodes, given: str) -> str:
    """Xinference names workers by their address."""
    for node in server.get("/api/nodes"):
        host = given.rpartition(":")[0] or given
        if given == node["name"] or (node["address"] and node["address"] in (given, host)):
            return str(node["name"])
    return given


def _devices(server: Nodes, text: str, nodes: list[str] | None) -> list[str]:
    """Ids of the accelerators with these numbers, on any of the nodes."""
    try:
        numbers = [int(number) for number in text.split(",")]
    except ValueError:
        raise UsageError(f"--gpu-idx {text!r} is not a list of numbers like 0,1.") from None
    found = {}
    for node in server.get("/api/nodes"):
        if nodes and node["name"] not in nodes:
            continue
        for device in (node.get("devices") or {}).get("devices") or []:
            if device["kind"] != "cpu" and device.get("index", 0) in numbers:
                found[device["id"]] = device.get("index", 0)
    for number in numbers:
        if number not in found.values():
            raise UsageError(f"--gpu-idx {number}: no node has such an accelerator.")
    return list(found)


def _absolute(path: str) -> str:
    """The server stands in another folder; what is not here may be on another machine."""
    local = Path(path).expanduser()
    return str(local.absolute()) if local.exists() else path


# --- the launch and the wait for it ----------------------------------------------------------


def _launch(server: Connection, arguments: argparse.Namespace) -> int:
    launch = server.call("POST", "/api/launches", order(server, arguments))
    uid = launch["uid"]
    if arguments.no_wait:
        print(json.dumps(launch) if arguments.json else f"{uid} is being launched.")
        return 0
    progress = Progress(quiet=arguments.json)
    try:
        launch = _wait(server, uid, launch, progress)
    except KeyboardInterrupt:
        progress.clear()
        _interrupted(server, uid, arguments.on_interrupt)
        return 130
    finally:
        progress.clear()
    if arguments.json:
        print(json.dumps(launch))
    elif launch["state"] == "ready":
        print(f"{uid} is ready after {progress.seconds:.1f} s.")
    if launch["state"] == "ready":
        return 0
    why = launch.get("reason") or launch.get("message") or "no reason was given"
    if launch["state"] == "stopped" and launch.get("wanted") == 0:
        if not arguments.json:
            print(f"{uid} starts when it is called.")
        return 0
    raise ServerError(f"{uid} is {launch['state']}: {why}")


def _wait(server: Connection, uid: str, launch: Any, progress: Progress) -> Any:
    """Until it is ready or will not be; each new state is a line."""
    while True:
        progress.show(_fraction(launch), state_line(launch))
        if launch["state"] in ("ready", "failed", "stopped"):
            return launch
        time.sleep(_POLL_SECONDS)
        launch = server.call("GET", path_of("api", "launches", uid))


def _fraction(launch: Any) -> float | None:
    done = launch.get("progress") or 0.0
    return done if done > 0 else None


def state_line(launch: Any) -> str:
    """ "loading 40% reading weights", of the replica that counts."""
    replicas = launch.get("replicas") or []
    state = replicas[0]["state"] if replicas else launch["state"]
    done = launch.get("progress") or 0.0
    percent = f" {done:.0%}" if 0 < done < 1 else ""
    message = launch.get("message") or launch.get("reason") or ""
    return f"{state}{percent} {message}".rstrip()


def _interrupted(server: Connection, uid: str, what: str) -> None:
    if what == "ask" and not sys.stdin.isatty():
        what = "leave"
    if what == "ask":
        try:
            answer = input(f"\nStop the launch of {uid}? [y/N] ")
        except (EOFError, KeyboardInterrupt):
            answer = ""
        what = "cancel" if answer.strip().lower().startswith("y") else "leave"
    if what == "cancel":
        try:
            server.call("POST", path_of("api", "launches", uid, "cancel"))
        except ServerError as error:
            # It was quicker than the finger.
            sys.stderr.write(f"\nxplatform: {error}\n")
            return
        print(f"\nThe launch of {uid} is cancelled.")
        return
    sys.stderr.write(
        f"\nxplatform: {uid} is still being launched; 'xplatform terminate --uid {uid}' stops it.\n"
    )

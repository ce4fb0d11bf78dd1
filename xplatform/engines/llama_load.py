"""Loading a GGUF model into llama.cpp, piece by piece."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from .base import EngineFault
from .gguf_header import GgufHeader, read_header
from .llama_answers import PromptAnswer
from .llama_jobs import Model
from .llama_requests import sampling_defaults
from .llama_wire import ask
from .protocol import Load

#: What a request gets when nobody says how much: enough for most, and no surprise for the memory.
DEFAULT_CONTEXT: Final = 8192
#: Every text to embed must fit into one physical batch, whose buffers grow with it.
DEFAULT_EMBEDDING_CONTEXT: Final = 2048
_FOLDER: Final = "xplatform-llama-"

#: the last line of llama.cpp's log when it could not start, and how long to wait for it
_LAST_WORDS: Final = "exiting due to"
_LOG_SECONDS: Final = 2.0

#: Words by which chat templates betray that the answer has more parts than its text.
_REASONING_MARKS: Final = ("think", "reason", "thought", "<|channel", "analysis")


def checked_header(path: str) -> GgufHeader:
    name = os.path.basename(path)
    try:
        header = read_header(path)
    except FileNotFoundError:
        raise EngineFault("invalid", f"there is no model file {path}", param="model") from None
    except OSError as error:
        raise EngineFault(
            "invalid", f"cannot read the model file {name}: {error.strerror}", param="model"
        ) from error
    except ValueError as error:
        raise EngineFault("invalid", f"cannot load {error}", param="model") from error
    if not header.tensor_count:
        raise EngineFault("invalid", f"{name} holds only a vocabulary, no model", param="model")
    return header


def default_context(header: GgufHeader, kind: str) -> int:
    return context_of(header.context_length, kind)


def context_of(trained: int | None, kind: str) -> int:
    """What a request gets when nobody says how much. The memory estimate asks it, too."""
    most = DEFAULT_EMBEDDING_CONTEXT if kind == "embedding" else DEFAULT_CONTEXT
    return min(trained or most, most)


def has_gpu(xllamacpp: Any) -> bool:
    """GPU, integrated GPU or accelerator: anything but the processor."""
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    return any(device["type"] != cpu for device in xllamacpp.get_device_info())


def cpu_batch(header: GgufHeader, threads: int, slots: int) -> int:
    return cpu_batch_of(header.parameters, threads, slots)


def cpu_batch_of(parameters: int, threads: int, slots: int) -> int:
    """Tokens of prompt that a processor works through in about half a second.

    A request can only be stopped, and others only get a token, between batches. Down to some
    dozens of tokens small batches cost nothing on a processor.
    """
    weights_per_second = 30e9 * threads  # measured: 60 GFLOP/s a core
    tokens = int(0.5 * weights_per_second / max(1, parameters))
    return max(32, slots, min(512, 1 << max(0, tokens.bit_length() - 1)))


def private_folder() -> Path:
    """A folder that only this user can enter; whoever reaches the socket can use the model.

    Folders of processes that were killed are removed on the way.
    """
    root = Path(tempfile.gettempdir())
    for old in root.glob(f"{_FOLDER}*"):
        pid = old.name.removeprefix(_FOLDER).partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def start_server(params: Any, path: str) -> Any:
    import xllamacpp

    with _captured_stderr() as written:
        try:
            return xllamacpp.Server(params)
        except Exception as error:
            failure = error
            # llama.cpp writes its log in a thread of its own, which may be behind.
            end = time.monotonic() + _LOG_SECONDS
            while _LAST_WORDS not in written() and time.monotonic() < end:
                time.sleep(0.01)
            lines = written().splitlines()
    # xllamacpp says no more than "Failed to init server"; the reason went to stderr.
    said = [line for line in lines if " E " in line or "error" in line.lower()]
    reasons = list(dict.fromkeys(_without_stamp(line) for line in said))
    reason = "; ".join(reasons[:4]) or str(failure)
    memory = "allocate" in reason or "out of memory" in reason.lower()
    raise EngineFault(
        "engine" if memory else "invalid",
        f"llama.cpp cannot load {os.path.basename(path)}: {reason}",
        param="model",
    ) from failure


def _without_stamp(line: str) -> str:
    """``0.00.014.098 E llama_model_load: error …`` → ``llama_model_load: error …``"""
    _, mark, rest = line.partition(" E ")
    return (rest if mark else line).strip()


@contextmanager
def _captured_stderr() -> Iterator[Callable[[], str]]:
    """What is written to the file descriptor 2 meanwhile, by C++ too; it is shown after all."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:

        def written() -> str:
            return os.pread(file.fileno(), 1 << 20, 0).decode("utf-8", "replace")

        os.dup2(file.fileno(), 2)
        try:
            yield written
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            sys.stderr.write(written())
            sys.stderr.flush()


def examine(
    socket_path: str, load: Load, header: GgufHeader, context: int, given_template: bool
) -> Model:
    """Ask the running server what the model can do."""
    status, answer = ask(socket_path, "/props", None)
    if status != 200:
        raise EngineFault("engine", f"llama.cpp does not tell its properties: {answer[:300]!r}")
    props: dict[str, Any] = msgspec.json.decode(answer)
    # Without a template llama.cpp would silently take one of another model.
    has_template = load.kind == "llm" and (header.chat_template is not None or given_template)
    template = str(props.get("chat_template") or "")
    caps = props.get("chat_template_caps") or {}
    infill = False
    if load.kind == "llm":
        # llama.cpp rounds it up.
        settings = props.get("default_generation_settings") or {}
        context = int(settings.get("n_ctx") or context)
        probe = {"input_prefix": "a", "input_suffix": "b", "n_predict": 1}
        infill = ask(socket_path, "/infill", probe)[0] == 200
    return Model(
        kind=load.kind,
        header=header,
        context_length=context,
        defaults=sampling_defaults(header),
        vocabulary=header.vocabulary_size,
        has_template=has_template,
        plain_template=has_template and _is_plain(socket_path, template),
        tools=has_template and bool(caps.get("supports_tools")),
        vision=bool((props.get("modalities") or {}).get("vision")),
        infill=infill,
    )


def _is_plain(socket_path: str, template: str) -> bool:
    """Whether an answer is text and nothing else, right behind the rendered prompt.

    Else (reasoning, marks around the text) llama.cpp's parser must see it.
    """
    if any(mark in template.lower() for mark in _REASONING_MARKS):
        return False
    user = {"role": "user", "content": "U1"}
    before = _render(socket_path, [user])
    after = _render(
        socket_path, [user, {"role": "assistant", "content": "A1"}, {**user, "content": "U2"}]
    )
    return before is not None and after is not None and after.startswith(before + "A1")


def _render(socket_path: str, messages: list[dict[str, str]]) -> str | None:
    status, answer = ask(socket_path, "/apply-template", {"messages": messages})
    if status != 200:
        return None
    return msgspec.json.decode(answer, type=PromptAnswer).prompt

"""Log files: one folder per process start, ``<home>/logs/<role>_<start ms>/``.

``xplatform.log`` is what the process logs itself, ``output.log`` what it (or the engine under it)
wrote to stdout and stderr, kept by the warden. Both rotate, old folders are pruned, and no secret
is written: what looks like one is masked in the finished line, tracebacks included.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import sys
import time
from collections import deque
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from xplatform.core.config import Settings

#: set by the warden: the folder it made for this child
FOLDER_VARIABLE: Final = "XPLATFORM_LOG_FOLDER"

LOG_NAME: Final = "xplatform.log"
OUTPUT_NAME: Final = "output.log"

#: folders kept of one kind of process
KEPT_FOLDERS: Final = 20
#: rotated files of raw output beside the newest
OUTPUT_BACKUPS: Final = 2
#: a line of raw output longer than this is cut in what the warden remembers
LINE_LIMIT: Final = 500

#: what looks like a secret, and of it the part that may be seen. Also as JSON and repr quote it;
#: quotes stay, so that a line of JSON stays one.
_SECRETS: Final = re.compile(
    # Authorization: Bearer …, Basic …
    r"(?P<bearer>\b(?:Bearer\s+|Basic\s+(?=[A-Za-z0-9+/=]{8})))[^\s\"',}\\]+"
    # our keys and join tokens
    r"|\bxp-[A-Za-z0-9_\-]{8,}"
    # login tokens and others' JWTs
    r"|\beyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)*"
    # Hugging Face, ModelScope, OpenAI, GitHub, AWS
    r"|\b(?:hf_|ms-|sk-|gh[opsu]_|github_pat_)[A-Za-z0-9_\-]{16,}|\bAKIA[A-Z0-9]{16}\b"
    # redis://:password@host
    r"|(?P<url>\b[a-z][a-z0-9+]*://[^\s/:@\"']*:)[^\s/@\"']+(?=@)"
    # password=…, "api_key": "…", X-Amz-Signature=…
    r"|(?P<named>(?<![A-Za-z0-9])(?:password|passwd|secret|secret_key|api_key|apikey|token"
    r"|signature|session|xplatform_session|xplatform_csrf|csrftoken)(?:\\?[\"'])?\s*[=:]\s*"
    r"(?P<quote>\\?[\"'])?)(?!Bearer|Basic)"
    r"(?(quote)(?:(?!(?P=quote)).)+|[^\s\"'\\,;&}\])…]{4,})",
    re.IGNORECASE,
)


#: one of these is in whatever the expression above finds. Looking for them takes a hundredth of
#: its time, and most records have none.
_HINTS: Final = (
    "bearer", "basic", "xp-", "eyj", "hf_", "ms-", "sk-", "gho_", "ghp_", "ghs_", "ghu_",
    "github_pat_", "akia", "@", "pass", "secret", "key", "token", "signature", "session", "csrf",
)  # fmt: skip


def mask(text: str) -> str:
    """The text without keys, tokens, passwords and what else looks like a secret."""
    # Beyond ASCII there are letters that count as these in another case.
    if text.isascii():
        small = text.lower()
        if not any(hint in small for hint in _HINTS):
            return text
    return _SECRETS.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    if seen := found["bearer"] or found["url"] or found["named"]:
        return seen + "…"
    return "xp-…" if found[0].startswith("xp-") else "…"


class RollingFile(RotatingFileHandler):
    """The standard one formats each record twice, once to know its length, and asks each time
    whether its file is one: a tenth of what a web process does for a small request."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + self.terminator
            if self.stream is None:  # a roll-over that failed half-way
                self.stream = self._open()
            if 0 < self.maxBytes < self.stream.tell() + len(line):
                self.doRollover()
            self.stream.write(line)
            self.flush()
        except Exception:
            self.handleError(record)


class TextFormatter(logging.Formatter):
    """One line a record; a traceback follows indented by nothing, as people expect it."""

    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


#: what every record has; the rest was given by ``extra=`` and is logged as fields
_RECORD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message", "asctime", "taskName",
}  # fmt: skip


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with what was given by ``extra=`` as fields of its own."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "role": self.role,
            "pid": record.process,
            "message": record.getMessage(),
        }
        fields.update((k, v) for k, v in vars(record).items() if k not in _RECORD_FIELDS)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return mask(json.dumps(fields, ensure_ascii=False, default=str))


def configure(role: str, settings: Settings, *, to_stderr: bool = True) -> Path:
    """Send this process's log to its folder, and warnings to stderr as well; the folder."""
    given = os.environ.get(FOLDER_VARIABLE)
    folder = Path(given) if given else make_folder(role, settings)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pid").write_text(str(os.getpid()))
    file = RollingFile(
        folder / LOG_NAME,
        maxBytes=settings.log_max_mb * 1024 * 1024,
        backupCount=settings.log_files - 1,
        encoding="utf-8",
    )
    text = TextFormatter()
    file.setFormatter(JsonFormatter(role) if settings.log_format == "json" else text)
    console = logging.StreamHandler(sys.stderr)
    console.setLevel(logging.WARNING if to_stderr else logging.CRITICAL + 1)
    console.setFormatter(text)
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    root.addHandler(file)
    root.addHandler(console)
    root.setLevel(settings.log_level.upper())
    # A 4xx is the caller's affair and told to the caller.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    # Of no interest without ETA tasks, and there are none.
    logging.getLogger("kombu.transport.native_delayed_delivery").setLevel(logging.ERROR)
    # An outage of the broker is told by whoever meets it; a traceback per attempt tells no more.
    logging.getLogger("channels_redis.pubsub").addFilter(_without_traceback)
    # A full disk must not become a traceback per record on the console.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    return folder


def _without_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and record.exc_info[1] is not None:
        record.msg, record.args = f"{record.getMessage()} {record.exc_info[1]}", ()
        record.exc_info = None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


def make_folder(role: str, settings: Settings) -> Path:
    """A new folder for a process that starts now; old ones of its kind go."""
    role = re.sub(r"[^A-Za-z0-9.\-]", "-", role)
    now = int(time.time() * 1000)
    while True:
        folder = settings.logs_path / f"{role}_{now}"
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            now += 1
    (folder / "pid").write_text(str(os.getpid()))
    _prune(role, folder, settings)
    return folder


def open_output(role: str, settings: Settings) -> Path:
    """Path of the raw output of a child that starts now; write there by ``OutputFile``."""
    return make_folder(role, settings) / OUTPUT_NAME


class OutputFile:
    """Raw output of a child: a file that rotates, and its last lines in memory.

    Never raises: a full disk loses output, not the supervisor.
    """

    def __init__(self, path: Path, max_bytes: int, kept_lines: int = 50) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.last_lines: deque[str] = deque(maxlen=kept_lines)
        self._rest = b""
        self._file: Any = None
        self._size = 0

    def write(self, data: bytes) -> list[str]:
        """Take what was read from the child; the lines it finished."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > 64 * 1024:
            complete.append(self._rest)
            self._rest = b""
        lines = [mask(line.decode("utf-8", "replace").rstrip("\r")) for line in complete]
        if lines:
            self._keep(lines)
        return lines

    def close(self) -> list[str]:
        lines = self.write(b"\n") if self._rest else []
        if self._file is not None:
            self._file.close()
            self._file = None
        return lines

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            if line.strip():
                # A progress bar redraws itself with carriage returns: its last state counts.
                self.last_lines.append(line.rsplit("\r", 1)[-1][:LINE_LIMIT])
        data = "".join(line + "\n" for line in lines).encode()
        try:
            if self._file is None:
                self._file = self.path.open("ab", buffering=0)
                self._size = self._file.tell()
            if self._size and self._size + len(data) > self.max_bytes:
                self._rotate()
            self._file.write(data)
            self._size += len(data)
        except OSError:
            pass

    def _rotate(self) -> None:
        self._file.close()
        self._file = None
        for number in range(OUTPUT_BACKUPS, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number - 1}")
            source = older if number > 1 else self.path
            if source.exists():
                source.replace(self.path.with_name(f"{self.path.name}.{number}"))
        self._file = self.path.open("ab", buffering=0)
        self._size = 0


def _prune(role: str, current: Path, settings: Settings) -> None:
    """Of this kind of process keep the newest folders, and no more bytes than one may write.

    ``replica-a`` and ``replica-b`` are one kind: models come and go, the disk does not grow.
    """
    limit = settings.log_max_mb * 1024 * 1024 * settings.log_files
    kept = size = 0
    for folder in _folders(role.partition("-")[0], settings):
        if folder == current or _in_use(folder):
            continue
        kept += 1
        try:
            size += sum(file.stat().st_size for file in folder.iterdir())
            if kept >= KEPT_FOLDERS or size > limit:
                shutil.rmtree(folder)
        except OSError:
            # Another process pruned it at the same time.
            continue


def _folders(kind: str, settings: Settings) -> Iterator[Path]:
    """Folders of one kind of process, newest first."""
    found = []
    for folder in settings.logs_path.iterdir():
        role, _, started = folder.name.rpartition("_")
        if role.partition("-")[0] == kind and started.isdigit():
            found.append((int(started), folder))
    return (folder for _, folder in sorted(found, reverse=True))


def _in_use(folder: Path) -> bool:
    try:
        os.kill(int((folder / "pid").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True

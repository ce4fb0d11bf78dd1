"""``xplatform chat`` and ``generate``: talk to a model from the terminal, or in a pipe."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from xplatform.cli.client import add_server_flags, ask, parser_of
from xplatform.cli.connection import Connection, ServerError, UsageError
from xplatform.cli.words import truth

_ABOUT = {
    "chat": "Talk to a model. Without words and at a terminal: a conversation; /help tells its"
    " commands. What is piped in is one message.",
    "generate": "Let a model go on with a text.",
}

_HELP = """\
/clear          forget what was said
/system TEXT    what the model is to be (empty: nothing)
/save FILE      write the conversation as JSON
/load FILE      go on with one
/retry          answer the last message again
/help           this
/exit           leave (Ctrl-D too)
A line that ends with \\ goes on in the next; \"\"\" begins and ends several lines.
"""


def run(command: str, given: list[str]) -> int:
    return ask(_chat if command == "chat" else _generate, parser(command), given)


def parser(command: str) -> argparse.ArgumentParser:
    made = parser_of(command, _ABOUT[command])
    made.add_argument("words", nargs="*", metavar="TEXT", help="the message, or the text's begin")
    made.add_argument(
        "-u",
        "--uid",
        "--model-uid",
        dest="uid",
        metavar="UID",
        help="the model (default: the only one that runs)",
    )
    made.add_argument("--max-tokens", "--max_tokens", type=int, metavar="N", help="at most so many")
    made.add_argument("--temperature", type=float, metavar="T", help="0: always the same")
    made.add_argument("--top-p", type=float, metavar="P", help="of the likeliest words")
    made.add_argument("--seed", type=int, metavar="N", help="for the same answer again")
    made.add_argument("--stop", action="append", metavar="TEXT", help="end there; can be repeated")
    made.add_argument(
        "--stream",
        nargs="?",
        const=True,
        default=True,
        type=truth,
        metavar="YES",
        help="show it as it comes (default: yes)",
    )
    if command == "chat":
        made.add_argument("--system", metavar="TEXT", help="what the model is to be")
        made.add_argument(
            "--enable-thinking",
            nargs="?",
            const=True,
            type=truth,
            metavar="YES",
            help="of models that can think first",
        )
    add_server_flags(made)
    return made


def _body(server: Connection, arguments: argparse.Namespace) -> dict[str, Any]:
    body: dict[str, Any] = {"model": arguments.uid or _only_model(server)}
    for name in ("max_tokens", "temperature", "top_p", "seed", "stop"):
        if (given := getattr(arguments, name)) is not None:
            body[name] = given
    if getattr(arguments, "enable_thinking", None) is not None:
        body["chat_template_kwargs"] = {"enable_thinking": arguments.enable_thinking}
    return body


def _only_model(server: Connection) -> str:
    found = [m for m in server.get("/v1/models")["data"] if m.get("model_type", "LLM") == "LLM"]
    ready = [model for model in found if model.get("state") == "ready"] or found
    if len(ready) == 1:
        return str(ready[0]["id"])
    names = ", ".join(model["id"] for model in ready) or "none"
    raise UsageError(f"Say with --uid which model; there are: {names}.")


def _piped() -> str:
    return "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()


# --- chat ------------------------------------------------------------------------------------


def _chat(server: Connection, arguments: argparse.Namespace) -> int:
    text = " ".join(arguments.words)
    piped = _piped().strip()
    message = f"{text}\n\n{piped}" if text and piped else text or piped
    conversation = Conversation(server, _body(server, arguments), arguments)
    if message:
        conversation.say(message)
        return 0
    if not sys.stdin.isatty():
        raise UsageError("There is no message: give one as words, or pipe one in.")
    conversation.talk()
    return 0


class Conversation:
    def __init__(
        self, server: Connection, body: dict[str, Any], arguments: argparse.Namespace
    ) -> None:
        self._server = server
        self._body = body
        self._as_json = arguments.json
        self._stream = arguments.stream and not arguments.json
        self._messages: list[dict[str, str]] = []
        if arguments.system:
            self._messages.append({"role": "system", "content": arguments.system})

    def say(self, text: str) -> None:
        """Send it, show the answer. What failed is as if it had not been said."""
        self._messages.append({"role": "user", "content": text})
        try:
            answer = self._answer()
        except BaseException:
            self._messages.pop()
            raise
        self._messages.append({"role": "assistant", "content": answer})

    def _answer(self) -> str:
        body = {**self._body, "messages": self._messages, "stream": self._stream}
        if not self._stream:
            whole = self._server.call("POST", "/v1/chat/completions", body, timeout=900)
            text = str(whole["choices"][0]["message"].get("content") or "")
            print(json.dumps(whole) if self._as_json else text)
            return text
        said, thinking = [], False
        for chunk in self._server.stream("/v1/chat/completions", body):
            for choice in chunk.get("choices") or ():
                delta = choice.get("delta") or {}
                if thought := delta.get("reasoning_content"):
                    thinking = True
                    _write(thought, dim=True)
                if part := delta.get("content"):
                    if thinking:
                        thinking = False
                        _write("\n\n", dim=True)
                    said.append(str(part))
                    _write(part)
        print(flush=True)
        return "".join(said)

    def talk(self) -> None:
        """Until somebody leaves."""
        history = _line_editing()
        print(f"Talking to {self._body['model']}. /help tells the commands; Ctrl-D leaves.")
        try:
            while (text := _read_message()) is not None:
                if not text.strip():
                    continue
                try:
                    if text.startswith("/"):
                        if not self._command(text):
                            break
                    else:
                        self.say(text)
                except KeyboardInterrupt:
                    print("\n(broken off)")
                except (ServerError, OSError, ValueError) as error:
                    sys.stderr.write(f"xplatform: {error}\n")
        finally:
            history()

    def _command(self, text: str) -> bool:
        """False: leave."""
        name, _, rest = text[1:].partition(" ")
        rest = rest.strip()
        match name:
            case "exit" | "quit" | "bye":
                return False
            case "clear":
                self._messages = [m for m in self._messages if m["role"] == "system"]
                print("Forgotten.")
            case "system":
                self._messages = [m for m in self._messages if m["role"] != "system"]
                if rest:
                    self._messages.insert(0, {"role": "system", "content": rest})
            case "save" if rest:
                words = json.dumps(self._messages, indent=2, ensure_ascii=False)
                Path(rest).expanduser().write_text(words + "\n")
                print(f"{len(self._messages)} messages are in {rest}.")
            case "load" if rest:
                self._messages = _messages(Path(rest).expanduser().read_text())
                print(f"{len(self._messages)} messages.")
            case "retry":
                self._retry()
            case "help":
                print(_HELP, end="")
            case _:
                print(f"/{name} is no command, or lacks something; /help tells.")
        return True

    def _retry(self) -> None:
        while self._messages and self._messages[-1]["role"] != "user":
            self._messages.pop()
        if not self._messages:
            print("Nothing was said yet.")
            return
        self.say(self._messages.pop()["content"])


def _messages(text: str) -> list[dict[str, str]]:
    found = json.loads(text)
    if not isinstance(found, list) or not all(
        isinstance(m, dict) and {"role", "content"} <= set(m) for m in found
    ):
        raise ValueError("The file holds no conversation: a list of {role, content}.")
    return found


def _read_message() -> str | None:
    """One message, maybe of several lines; None: there will be no more."""
    try:
        line = input("> ")
        if line.startswith('"""'):
            lines = [line[3:]]
            while not lines[-1].endswith('"""'):
                lines.append(input("… "))
            lines[-1] = lines[-1][:-3]
            return "\n".join(lines).strip("\n")
        while line.endswith("\\"):
            line = line[:-1] + "\n" + input("… ")
        return line
    except EOFError:
        print()
        return None
    except KeyboardInterrupt:
        print()
        return ""


def _line_editing() -> Any:
    """Arrow keys and a history that stays; how it is written at the end."""
    from xplatform.cli import logins

    try:
        import readline
    except ImportError:
        return lambda: None
    file = logins.file().with_name("chat_history")
    try:
        readline.read_history_file(file)
    except OSError:
        pass
    readline.set_history_length(1000)

    def write() -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            readline.write_history_file(file)
            file.chmod(0o600)
        except OSError:
            pass

    return write


def _write(text: str, dim: bool = False) -> None:
    if not dim:
        sys.stdout.write(text)
        sys.stdout.flush()
    elif sys.stdout.isatty():
        # Thoughts are for eyes; a pipe gets the answer.
        sys.stdout.write(f"\x1b[2m{text}\x1b[0m")
        sys.stdout.flush()


# --- generate --------------------------------------------------------------------------------


def _generate(server: Connection, arguments: argparse.Namespace) -> int:
    prompt = " ".join(arguments.words) or _piped()
    if not prompt and sys.stdin.isatty():
        prompt = _read_message() or ""
    if not prompt:
        raise UsageError("There is no text to go on with: give it as words, or pipe it in.")
    body = {**_body(server, arguments), "prompt": prompt}
    if arguments.json or not arguments.stream:
        whole = server.call("POST", "/v1/completions", body, timeout=900)
        print(json.dumps(whole) if arguments.json else whole["choices"][0]["text"])
        return 0
    for chunk in server.stream("/v1/completions", {**body, "stream": True}):
        for choice in chunk.get("choices") or ():
            _write(choice.get("text") or "")
    print(flush=True)
    return 0

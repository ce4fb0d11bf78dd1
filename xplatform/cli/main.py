"""``xplatform COMMAND``: our commands by a table, Django's after them.

Only what a command needs is imported, so that help and client commands answer at once. The first
lines must be understood by old Pythons too, which get one sentence and not a traceback.
"""

from __future__ import annotations

import importlib
import os
import sys

OLDEST = (3, 11)

#: name → (module, its function ``run(arguments)``'s prefix, what it does); "" hides it from help
COMMANDS = {
    "serve": ("server", "start everything on this machine"),
    "worker": ("join", "join a cluster by a token, as a machine that runs models"),
    "node": ("server", "the same by the broker's address, without a token"),
    "launch": ("launch", "start a model"),
    "list": ("launches", "show launched models and their replicas"),
    "terminate": ("launches", "stop a model"),
    "reload": ("launches", "start a model's replicas anew"),
    "replicas": ("launches", "show, add, remove and move a model's replicas"),
    "chat": ("talk", "talk to a model"),
    "generate": ("talk", "let a model go on with a text"),
    "registrations": ("registry", "show the models that can be launched by a name"),
    "register": ("registry", "add a model of your own to the catalogue"),
    "unregister": ("registry", "take it out again"),
    "engine": ("engines", "which engine can run a model; list, install and remove environments"),
    "cal-model-mem": ("estimate", "estimate the memory that a model takes"),
    "vllm-models": ("overview", "show the models that vLLM can run"),
    "download": ("downloads", "fetch a model's files ahead of its launch"),
    "cached": ("downloads", "show the model files that the nodes keep"),
    "remove-cache": ("downloads", "remove model files from the nodes"),
    "status": ("overview", "show the server, its nodes and what runs"),
    "nodes": ("nodes", "show, drain and remove machines; make join tokens"),
    "events": ("watching", "show what happened to models, replicas and nodes"),
    "logs": ("watching", "show what a replica or a node wrote"),
    "usage": ("usage", "show what was used, and what it cost"),
    "login": ("login", "remember a server and how to get in"),
    "logout": ("login", "forget it"),
    "stop-cluster": ("overview", "stop the server with all models"),
    "completion": ("completion", "print completion for bash, zsh or fish"),
    "version": ("version", "show the version"),
    "web": ("workers", "run one web process (serve does it for you)"),
    "control": ("workers", "run the control plane (serve does it for you)"),
    "node-agent": ("workers", "run a machine's agent (serve and node do it for you)"),
    "replica": ("workers", ""),
}

HELP = """\
usage: xplatform [--home FOLDER] [--config FILE] COMMAND …

Serves AI models behind OpenAI-compatible APIs, on one machine or many.

commands:
{commands}

Django's commands (migrate, shell, createsuperuser, …) work as well; 'xplatform help' lists them.
'xplatform COMMAND --help' tells more. Every setting can be given as a flag of serve, as an
environment variable (XPLATFORM_PORT) or in <home>/config.toml; see 'xplatform serve --help'.
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit code. 2 is for mistakes of the caller, with one sentence each."""
    if sys.version_info < OLDEST:
        return fail(
            "xplatform needs Python %d.%d or newer; this is %s (%s)."  # noqa: UP031
            % (*OLDEST, sys.version.split()[0], sys.executable)
        )
    words = list(sys.argv[1:] if argv is None else argv)
    problem = _take_global_flags(words)
    if problem:
        return fail(problem)
    if not words or words[0] in ("-h", "--help"):
        print(_help(), end="")
        return 0
    name = "version" if words[0] == "--version" else words[0]
    try:
        if name in COMMANDS:
            module = importlib.import_module("xplatform.cli." + COMMANDS[name][0])
            return int(module.run(name, words[1:]) or 0)
        from xplatform.cli import django_commands

        return django_commands.run(name, words[1:])
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Somebody reads with `head`. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if _is_sentence(error):
            return fail(str(error))
        raise


def fail(sentence: str) -> int:
    sys.stderr.write("xplatform: " + sentence + "\n")
    return 2


def _is_sentence(error: BaseException) -> bool:
    """Errors that are meant for the person who typed the command, known by name so that the
    modules that define them load only where they are used."""
    names = {"ConfigError", "StartError", "ImproperlyConfigured"}
    return any(cls.__name__ in names for cls in type(error).__mro__)


def _take_global_flags(words: list[str]) -> str | None:
    """--home and --config before the command hold for every command, Django's too."""
    while words and words[0].partition("=")[0] in ("--home", "--config"):
        flag, separator, value = words.pop(0).partition("=")
        if not separator:
            if not words:
                return flag + " needs a value."
            value = words.pop(0)
        os.environ["XPLATFORM_" + flag[2:].upper()] = value
    return None


def _help() -> str:
    rows = [f"  {name:<13} {text}" for name, (_, text) in COMMANDS.items() if text]
    return HELP.format(commands="\n".join(rows))

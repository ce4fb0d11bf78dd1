"""``xplatform completion bash | zsh | fish``: what the shell offers after Tab.

Read from the help of each command, so that it knows what the commands know. The script is static:
Tab starts no Python. Models' names after --uid are the exception, since nothing else knows them.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import re

from xplatform.cli.main import COMMANDS

_SHELLS = ("bash", "zsh", "fish")


def run(_command: str, words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "xplatform completion",
        description="Print what makes the shell complete commands and flags. For bash: add"
        " 'source <(xplatform completion bash)' to ~/.bashrc; for zsh the same with zsh to"
        " ~/.zshrc; for fish: 'xplatform completion fish > ~/.config/fish/completions/"
        "xplatform.fish'.",
    )
    parser.add_argument("shell", choices=_SHELLS)
    shell = parser.parse_args(words).shell
    offered = {name: _offered(name) for name, (_, text) in COMMANDS.items() if text}
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](offered), end="")
    return 0


def _offered(name: str) -> tuple[list[str], dict[str, list[str]]]:
    """(flags, {action: its flags}) of a command."""
    text = help_of(name)
    actions = re.findall(r"^    ([a-z][a-z-]*) {2,}\S", text, re.MULTILINE)
    return _flags(text), {action: _flags(help_of(name, action)) for action in actions}


def help_of(name: str, *action: str) -> str:
    """What ``xplatform NAME [ACTION] --help`` prints."""
    module = importlib.import_module("xplatform.cli." + COMMANDS[name][0])
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        module.run(name, [*action, "--help"])
    return out.getvalue()


def _flags(text: str) -> list[str]:
    """The long ones, in the order of the help."""
    lines = [line for line in text.splitlines() if re.match(r"  -", line)]
    found = [flag for line in lines for flag in re.findall(r"(?<!\S)--[a-z][a-z-]*", line)]
    return list(dict.fromkeys(found))


def _bash(offered: dict[str, tuple[list[str], dict[str, list[str]]]]) -> str:
    cases = []
    for name, (flags, actions) in offered.items():
        cases.append(f'    {name}) words="{" ".join([*actions, *flags])}" ;;')
        cases += [
            f'    "{name} {action}") words="{" ".join(own)}" ;;' for action, own in actions.items()
        ]
    return f"""\
# bash completion of xplatform: source <(xplatform completion bash)
_xplatform() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" words
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{" ".join(offered)} help --help" -- "$current"))
    return
  fi
  case "$before" in
    --uid|--model-uid|-u)
      COMPREPLY=($(compgen -W "$(xplatform list --names 2>/dev/null)" -- "$current"))
      return ;;
    --model-path|-mp|--home|--config|--file|-f)
      COMPREPLY=($(compgen -f -- "$current"))
      return ;;
  esac
  case "${{COMP_WORDS[1]}}${{COMP_WORDS[2]:+ ${{COMP_WORDS[2]}}}}" in
{_patterns(cases)}
  esac
  [ -n "$words" ] || case "${{COMP_WORDS[1]}}" in
{_patterns(cases, with_actions=False)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _xplatform xplatform
"""


def _patterns(cases: list[str], with_actions: bool = True) -> str:
    return "\n".join(case for case in cases if case.lstrip().startswith('"') == with_actions)


def _zsh(offered: dict[str, tuple[list[str], dict[str, list[str]]]]) -> str:
    # zsh understands bash's way, words for words.
    head = "# zsh completion of xplatform: source <(xplatform completion zsh)\n"
    return (
        head
        + "autoload -Uz compinit bashcompinit\n"
        + "(( $+functions[compdef] )) || compinit\n"
        + "bashcompinit\n"
        + "".join(line + "\n" for line in _bash(offered).splitlines()[1:])
    )


def _fish(offered: dict[str, tuple[list[str], dict[str, list[str]]]]) -> str:
    lines = ["# fish completion of xplatform", "complete -c xplatform -f"]
    for name, (flags, actions) in offered.items():
        about = COMMANDS[name][1].replace("'", "\\'")
        lines.append(f"complete -c xplatform -n __fish_use_subcommand -a {name} -d '{about}'")
        here = f"__fish_seen_subcommand_from {name}"
        if actions:
            lines.append(f"complete -c xplatform -n '{here}' -a '{' '.join(actions)}'")
        known = {*flags, *(flag for own in actions.values() for flag in own)}
        for flag in sorted(known):
            lines.append(f"complete -c xplatform -n '{here}' -l {flag[2:]}")
        if "--uid" in known:
            lines.append(
                f"complete -c xplatform -n '{here}' -l uid -x -a '(xplatform list --names"
                " 2>/dev/null)'"
            )
    return "\n".join(lines) + "\n"

"""Flags that say which model, as Xinference spells them, for all commands that ask for one."""

from __future__ import annotations

from typing import Any


def add_name(to: Any, help: str | None = None, *, dest: str = "name", **more: Any) -> None:
    to.add_argument("-n", "--model-name", dest=dest, metavar="NAME", help=help, **more)


def add_kind(to: Any, help: str, *, default: str | None = None) -> None:
    """In lower letters, as the server knows them."""
    to.add_argument(
        "-t", "--model-type", "--kind", dest="kind", metavar="TYPE", default=default,
        type=lambda text: text.lower(), help=help,
    )  # fmt: skip


def add_engine(to: Any, help: str) -> None:
    to.add_argument(
        "-en", "--model-engine", "--engine", dest="engine", metavar="NAME",
        type=lambda text: text.lower(), help=help,
    )  # fmt: skip


def add_version(
    to: Any, size: str | None = None, format: str | None = None, quantization: str | None = None
) -> None:
    """Which of the family's files, each with its help."""
    to.add_argument(
        "-s", "--size-in-billions", "--size", dest="size", metavar="SIZE", help=size
    )  # fmt: skip
    to.add_argument(
        "-f", "--model-format", "--format", dest="format", metavar="FORMAT", help=format
    )  # fmt: skip
    to.add_argument("-q", "--quantization", metavar="NAME", help=quantization)

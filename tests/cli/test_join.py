"""``xplatform worker``: what stays of the command line, and whose settings win."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from xplatform.cli import join as joining
from xplatform.cli.join import joined, without_token
from xplatform.core.config import ConfigError, Settings, load_settings, parse_labels, parse_listen

ADMISSION = {
    "node": "w1",
    "broker": "redis://node-w1:pw@h:6380/0",
    "channels": "redis://node-w1:pw@h:6380/0",
    "settings": {"drain_timeout": 3.0, "load_timeout": 99.0, "not_invented_yet": 1},
}


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (
            ["-m", "x", "worker", "--token", "secret", "--name", "w"],
            ["-m", "x", "worker", "--name", "w"],
        ),
        (["worker", "--token=secret"], ["worker"]),
        (["worker", "--token-file", "f", "--token", "secret"], ["worker", "--token-file", "f"]),
    ],
)
def test_the_token_is_taken_out(words: list[str], left: list[str]) -> None:
    assert without_token(words) == left


def test_settings_of_the_cluster_hold_unless_this_machine_has_its_own() -> None:
    made = joined(Settings(load_timeout=5.0, node_labels="a=b"), ADMISSION)
    assert (made.node_name, made.broker) == ("w1", ADMISSION["broker"])
    assert made.drain_timeout == 3.0
    assert made.load_timeout == 5.0
    assert made.node_labels == "a=b"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """Names and labels with which machines came in; none of them runs."""
    came: list[tuple[str, dict[str, str]]] = []

    def join(url: str, token: str, name: str, settings: Settings) -> dict[str, Any]:
        came.append((name, settings.labels))
        return {**ADMISSION, "node": name, "settings": {}}

    monkeypatch.setattr(joining, "join", join)
    monkeypatch.setattr("xplatform.warden.serve.node", lambda settings: 0)
    monkeypatch.setattr(os, "umask", lambda mask: 0)
    monkeypatch.setenv(joining.TOKEN_VARIABLE, "xp-join-x")
    return came


def test_a_machine_that_starts_again_is_who_it_was(
    asked: list[tuple[str, dict[str, str]]], tmp_path: Path
) -> None:
    home = ["--home", str(tmp_path)]
    joining.run("worker", [*home, "--join", "http://h", "--name", "w1", "--labels", "zone=a"])
    joining.run("worker", home)
    joining.run("worker", [*home, "--labels", ""])
    joining.run("worker", [*home, "--name", "w2", "--node-labels", "zone=b"])
    joining.run("worker", home)
    assert asked == [
        ("w1", {"zone": "a"}),
        ("w1", {"zone": "a"}),
        ("w1", {}),
        ("w2", {"zone": "b"}),
        ("w2", {"zone": "b"}),
    ]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", {}),
        ("zone=a", {"zone": "a"}),
        (" zone = a , x.y/z=1,e=", {"zone": "a", "x.y/z": "1", "e": ""}),
    ],
)
def test_labels(text: str, labels: dict[str, str]) -> None:
    assert parse_labels(text) == labels


@pytest.mark.parametrize("text", ["zone", "=a", "a b=c", "a=b c", "-a=b", "a=" + "x" * 64])
def test_bad_labels(text: str) -> None:
    with pytest.raises(ConfigError, match="node_labels"):
        load_settings({"node_labels": text}, {})


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", None),
        ("0.0.0.0:6380", ("0.0.0.0", 6380)),
        ("[::1]:1", ("::1", 1)),
        ("web.example:65535", ("web.example", 65535)),
    ],
)
def test_listen(text: str, parsed: tuple[str, int] | None) -> None:
    assert parse_listen(text) == parsed


@pytest.mark.parametrize("text", ["6380", ":6380", "a:b", "a:0", "a:65536", "a b:1", 'a"\nb:1'])
def test_bad_listen(text: str) -> None:
    with pytest.raises(ConfigError, match="broker_listen"):
        load_settings({"broker_listen": text}, {})

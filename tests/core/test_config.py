"""Where settings come from, which one wins, and what is said about a bad one."""

from __future__ import annotations

import stat
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from xplatform.core import settings_shown
from xplatform.core.config import ConfigError, Settings, load_settings, save_settings, secret


def load(
    home: Path, toml: str = "", environ: dict[str, str] | None = None, **flags: Any
) -> Settings:
    if toml:
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(toml)
    return load_settings(flags, {"XPLATFORM_HOME": str(home), **(environ or {})})


def sentence(
    home: Path, toml: str = "", environ: dict[str, str] | None = None, **flags: Any
) -> str:
    with pytest.raises(ConfigError) as caught:
        load(home, toml, environ, **flags)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_defaults(tmp_path: Path) -> None:
    settings = load_settings({}, {})
    assert (settings.host, settings.port, settings.home) == ("127.0.0.1", 9997, "~/.xplatform")
    assert settings.embedded_broker


def test_flag_over_environment_over_file_over_default(tmp_path: Path) -> None:
    toml = "port = 1001\nlog_files = 7\nslots = 2"
    environ = {"XPLATFORM_PORT": "1002", "XPLATFORM_SLOTS": "3"}
    settings = load(tmp_path, toml, environ, port="1003")
    assert (settings.port, settings.slots, settings.log_files) == (1003, 3, 7)
    assert settings.max_queue == 1024


def test_flag_that_was_not_given_hides_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "port = 1001", port=None).port == 1001


def test_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert load(tmp_path, "port = 1001", {"XPLATFORM_PORT": ""}).port == 1001


def test_home_by_flag_decides_which_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "config.toml").write_text("port = 1001")
    settings = load_settings({"home": str(tmp_path / "a")}, {"XPLATFORM_HOME": str(tmp_path)})
    assert settings.port == 1001
    assert settings.home_path == tmp_path / "a"


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("true", True), ("0", False), ("false", False)]
)
def test_yes_and_no(tmp_path: Path, text: str, value: bool) -> None:
    assert load(tmp_path, environ={"XPLATFORM_DEMO": text}).demo is value


def test_config_file_elsewhere(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("port = 1001")
    assert load(tmp_path, environ={"XPLATFORM_CONFIG": str(other)}).port == 1001
    assert load(tmp_path, config=str(other)).port == 1001
    assert sentence(tmp_path, config=str(tmp_path / "no.toml")) == (
        f"The config file {tmp_path / 'no.toml'} does not exist."
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("port", "abc", "is 'abc': expected `int`"),
        ("port", "0", "is '0': expected `int` >= 1."),
        ("port", "65536", "is '65536': expected `int` <= 65535."),
        ("log_level", "loud", "is 'loud': invalid enum value 'loud'."),
        ("server", "gunicorn", "is 'gunicorn': invalid enum value 'gunicorn'."),
        ("drain_timeout", "-1", "is '-1': expected `float` >= 0.0."),
        ("web_processes", "65", "is '65': expected `int` <= 64."),
        ("demo", "maybe", "is 'maybe': expected `bool`"),
    ],
)
def test_bad_value_is_named_with_where_it_came_from(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    variable = "XPLATFORM_" + name.upper()
    assert sentence(tmp_path, environ={variable: value}).startswith(f"{variable} {said}")
    flag = "--" + name.replace("_", "-")
    given: dict[str, Any] = {name: value}
    assert sentence(tmp_path, **given).startswith(f"{flag} {said}")
    # A bad value of the environment is not hidden by a good file.
    assert variable in sentence(tmp_path, f'{name} = "{value}"', {variable: value})


def test_bad_value_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert sentence(tmp_path, "port = 70000") == (
        f"port in {path} is 70000: expected `int` <= 65535."
    )


def test_unknown_name_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert sentence(tmp_path, "prot = 1") == (
        f"{path}: there is no setting 'prot'; perhaps 'port' is meant."
    )
    assert "there is no setting 'zzzz'." in sentence(tmp_path, "zzzz = 1")


def test_file_that_is_no_toml(tmp_path: Path) -> None:
    assert sentence(tmp_path, "port =").startswith(f"Cannot read the config file {tmp_path}")


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    text = sentence(tmp_path, "admin_password = 12345678")
    assert "12345678" not in text
    assert "admin_password" in text


def test_saved_settings_are_for_the_owner_and_come_back(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path), port=1234, api_key="xp-key", demo=False)
    path = tmp_path / "run" / "settings.json"
    save_settings(settings, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_settings(environ={"XPLATFORM_SETTINGS": str(path)}) == settings
    path.write_text("{")
    with pytest.raises(ConfigError, match="is damaged"):
        load_settings(environ={"XPLATFORM_SETTINGS": str(path)})
    with pytest.raises(ConfigError, match="Cannot read XPLATFORM_SETTINGS="):
        load_settings(environ={"XPLATFORM_SETTINGS": str(tmp_path / "none")})


def test_secret_is_made_once_whoever_asks_first(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path))
    found: set[str] = set()
    threads = [
        threading.Thread(target=lambda: found.add(secret("broker", settings))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert len(found.pop()) > 30
    path = tmp_path / "secrets" / "broker"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_broker_urls(tmp_path: Path) -> None:
    embedded = Settings(home=str(tmp_path))
    password = secret("broker", embedded)
    assert embedded.channels_url == f"unix://:{password}@{tmp_path}/run/broker.sock"
    assert embedded.broker_url == f"redis+socket://:{password}@{tmp_path}/run/broker.sock"
    redis = Settings(home=str(tmp_path), broker="redis://h:1/0")
    assert (redis.broker_url, redis.channels_url) == ("redis://h:1/0", "redis://h:1/0")
    assert not redis.embedded_broker
    amqp = Settings(home=str(tmp_path), broker="amqp://h")
    assert amqp.broker_url == "amqp://h"
    assert amqp.embedded_broker
    assert amqp.channels_url == embedded.channels_url
    both = Settings(home=str(tmp_path), broker="amqp://h", channels="redis://c")
    assert not both.embedded_broker
    assert both.channels_url == "redis://c"


def test_sockets_of_a_long_home_are_in_a_short_place(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path / ("x" * 100)))
    assert len(str(settings.sockets_path)) < 80
    assert settings.sockets_path != Settings(home=str(tmp_path / ("y" * 100))).sockets_path
    assert Settings(home="/tmp/h").sockets_path == Path("/tmp/h/run")


def test_home_of_xinference_holds_while_ours_is_not_set(tmp_path: Path) -> None:
    theirs, ours = str(tmp_path / "theirs"), str(tmp_path / "ours")
    assert load_settings({}, {"XINFERENCE_HOME": theirs}).home == theirs
    both = {"XINFERENCE_HOME": theirs, "XPLATFORM_HOME": ours}
    assert load_settings({}, both).home == ours
    assert load_settings({"home": ours}, {"XINFERENCE_HOME": theirs}).home == ours


def test_whoever_reads_the_settings_while_they_are_written_reads_all_of_them(
    tmp_path: Path,
) -> None:
    """The supervisor writes them at each start of a child; others may be starting just then."""
    path = tmp_path / "settings.json"
    old = Settings(home=str(tmp_path))
    save_settings(old, path)
    with path.open("rb") as reader:
        save_settings(Settings(home=str(tmp_path), port=1), path)
        # Who opened it before has the old one, untouched.
        assert msgspec.json.decode(reader.read(), type=Settings) == old
    assert load_settings(environ={"XPLATFORM_SETTINGS": str(path)}).port == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # Nothing that was written aside is left.
    left = sorted(entry.name for entry in tmp_path.iterdir())
    assert left == ["settings.json", "settings.origins"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://h/db?user=a&password=hidden", "postgres://h/db?user=a&password=…"),
        ("unix:///run/x.sock?password=hidden&db=1", "unix:///run/x.sock?password=…&db=1"),
        ("https://hidden@index.example/simple", "https://…@index.example/simple"),
        ("https://me:hidden@index.example/simple", "https://me:…@index.example/simple"),
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert settings_shown.without_password(url) == shown


def test_people_see_where_a_setting_came_from_and_no_secret(tmp_path: Path) -> None:
    environ = {
        "XPLATFORM_HF_TOKEN": "hf_hidden", "XPLATFORM_DATABASE": "postgres://me:hidden@db:5432/x",
        "XPLATFORM_WEB_PROCESSES": "2",
    }  # fmt: skip
    made = load(tmp_path, 'log_level = "debug"\nport = 1\n', environ, port=8000)
    # As a child of the server gets them.
    path = tmp_path / "run" / "settings.json"
    save_settings(made, path)
    load(tmp_path / "another")
    child = load_settings(environ={"XPLATFORM_SETTINGS": str(path)})
    seen = {one.name: one for one in settings_shown.shown(child)}
    assert (seen["port"].value, seen["port"].origin, seen["port"].given_by) == (
        8000, "flag", "--port"
    )  # fmt: skip
    assert (seen["log_level"].origin, seen["log_level"].default) == ("file", "info")
    assert seen["log_level"].given_by.endswith("config.toml")
    assert (seen["web_processes"].value, seen["web_processes"].origin) == (2, "environment")
    assert (seen["slots"].origin, seen["slots"].given_by) == ("default", "")
    token = seen["hf_token"]
    assert (token.secret, token.is_set, token.value, token.flag) == (True, True, None, "")
    assert seen["database"].value == "postgres://me:…@db:5432/x"
    assert "hidden" not in str(seen)
    assert all(one.meaning for one in seen.values())
    assert seen["tls_key"].meaning == seen["tls_cert"].meaning

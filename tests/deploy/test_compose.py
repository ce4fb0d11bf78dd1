"""The files for containers. No container engine is needed: what they say is checked against the
program, and ``test_cluster.py`` runs the same commands by hand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.deploy import compose
from xplatform.cli.main import COMMANDS
from xplatform.core.config import PREFIX, SECRET_SETTINGS, Settings

ROOT = compose.ROOT
VARIABLES = {name: "abc123" for name, needed in compose.example_names().items() if needed}


@pytest.fixture(scope="module")
def file() -> dict[str, Any]:
    return compose.load()


def _stages() -> set[str]:
    """Stages of the Dockerfile."""
    return set(re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))


def test_services(file: dict[str, Any]) -> None:
    assert set(file["services"]) == {"setup", "web", "control", "node", "broker", "db"}
    assert "valkey" in file["services"]["broker"]["image"]
    assert "postgres" in file["services"]["db"]["image"]


def test_every_command_exists(file: dict[str, Any]) -> None:
    from django.core.management import get_commands

    for name, service in compose.ours(file).items():
        command = service["command"]
        assert isinstance(command, list), name
        assert command[0] in {*COMMANDS, *get_commands()}, name


def test_every_command_is_one_that_the_cluster_test_starts(file: dict[str, Any]) -> None:
    from tests.deploy import test_cluster

    commands = {tuple(service["command"]) for service in compose.ours(file).values()}
    assert commands == test_cluster.COMMANDS


def test_every_variable_of_ours_is_a_setting(file: dict[str, Any]) -> None:
    fields = {PREFIX + field.name.upper(): field for field in msgspec.structs.fields(Settings)}
    for service in compose.ours(file).values():
        environment = compose.filled(service.get("environment", {}), VARIABLES)
        assert set(environment) <= set(fields)
        values = {fields[name].name: value for name, value in environment.items()}
        msgspec.convert(values, Settings, strict=False)


def test_nodes_get_no_database_and_no_secrets(file: dict[str, Any]) -> None:
    node = file["services"]["node"]
    assert PREFIX + "DATABASE" not in node["environment"]
    assert not SECRET_SETTINGS & {n.removeprefix(PREFIX).lower() for n in node["environment"]}
    assert not any(str(volume).startswith("server:") for volume in node["volumes"])


def test_setup_and_web_share_their_secrets(file: dict[str, Any]) -> None:
    for name in ("setup", "web", "control"):
        assert file["services"][name]["volumes"] == ["server:/var/lib/xplatform"]


def test_no_secret_on_a_command_line(file: dict[str, Any]) -> None:
    for service in file["services"].values():
        for key in ("command", "entrypoint"):
            assert "PASSWORD" not in str(service.get(key, ""))
        assert "PASSWORD" not in str(service.get("healthcheck", {}).get("test", ""))


def test_every_service_is_watched(file: dict[str, Any]) -> None:
    """By its own health check, the image's, or (said in a comment) by its end."""
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    for name, service in file["services"].items():
        if name in ("setup", "control"):
            assert service["healthcheck"] == {"disable": True}
            assert service["restart"] in ("on-failure", "unless-stopped")
        elif name != "web":
            assert service["healthcheck"]["test"], name


def test_volumes_and_dependencies_are_declared(file: dict[str, Any]) -> None:
    for service in file["services"].values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in file["volumes"] or source.startswith(("${", "./")), volume
        assert set(service.get("depends_on", {})) <= set(file["services"])


def test_required_variables_stand_in_the_example(file: dict[str, Any]) -> None:
    text = compose.FILE.read_text()
    used = set(re.findall(r"\$\{(\w+)", text))
    required = set(re.findall(r"\$\{(\w+):\?", text))
    names = compose.example_names()
    assert used == set(names)
    assert required == {name for name, needed in names.items() if needed}
    with pytest.raises(KeyError, match="is not set"):
        compose.filled(file, {})
    compose.filled(file, VARIABLES)


def test_gpu_file_changes_services_that_exist(file: dict[str, Any]) -> None:
    over = compose.load(compose.GPU_FILE)
    assert set(over["services"]) == {"node"}
    assert over["services"]["node"]["build"]["target"] in _stages()


def test_stages(file: dict[str, Any]) -> None:
    assert {"cpu", "gpu"} <= _stages()
    for service in compose.ours(file).values():
        assert service["build"]["target"] in _stages()


def test_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    # The GPU stage is root for its packages, and ends as the other.
    assert users == ["xplatform", "root", "xplatform"]


def test_what_is_copied_exists_and_is_let_through() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied: set[str] = set()
    for words in re.findall(r"^COPY (?!--from)(.*)", (ROOT / "Dockerfile").read_text(), re.M):
        copied.update(words.split()[:-1])
    # Its list of packages is copied first, on its own.
    copied = {name for name in copied if not name.startswith("frontend/")}
    for name in copied:
        assert (ROOT / name).exists(), name
    assert copied == allowed


def test_image_settings_are_settings() -> None:
    text = (ROOT / "Dockerfile").read_text()
    for name in re.findall(r"XPLATFORM_(\w+)=", text):
        assert name.lower() in Settings.__struct_fields__


def test_health_checks_are_python(file: dict[str, Any]) -> None:
    """They are not run here without a container: at least they compile and import."""
    image = re.search(r'CMD \["python", "-c", "(.*)"\]', (ROOT / "Dockerfile").read_text())
    assert image is not None
    node = file["services"]["node"]["healthcheck"]["test"]
    assert node[:3] == ["CMD", "python", "-c"]
    for code in (image[1], node[3]):
        compile(code, "health check", "exec")


@pytest.mark.parametrize(
    "files",
    [["docker-compose.yml"], ["docker-compose.yml", "deploy/docker-compose.gpu.yml"]],
    ids=["cpu", "gpu"],
)
def test_compose_itself_takes_it(files: list[str], tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("there is no docker client")
    if subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("the docker client has no compose plug-in")
    flags = [word for name in files for word in ("-f", name)]
    done = subprocess.run(
        [docker, "compose", *flags, "config", "--quiet"],
        cwd=ROOT, env={**os.environ, **VARIABLES}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

"""Families of one's own: versions, owners, and models that are called by their names."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from apps.models import api
from apps.models.actions import launching
from apps.models.models import Launch, Model, Registration
from tests.models.world import World, an_order
from xplatform.core.errors import Conflict, Forbidden, InvalidValue, NotFound

#: its files are the machine's
register = functools.partial(api.register, unsafe=True)
edit = functools.partial(api.edit, unsafe=True)

FAMILY: dict[str, Any] = {
    "name": "mine",
    "kind": "llm",
    "abilities": ["chat"],
    "specs": [
        {"format": "ggufv2", "size": "1", "repositories": [{"hub": "path", "id": "/models/mine"}]}
    ],
}


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of looking at files: the fake engine runs all of it."""

    def complete(order: Any) -> Any:
        import msgspec

        if not order.family:
            return msgspec.structs.replace(order, kind=order.kind or "llm")
        [info] = [i for i in api.registrations() if i.name == order.family]
        path = info.family.specs[0].repositories[0].id
        if path == "/gone":
            raise InvalidValue("There is no file /gone.", param="family")
        return msgspec.structs.replace(order, kind="llm", engine="fake", model_path=path)

    monkeypatch.setattr(launching, "complete", complete)


SPEC: dict[str, Any] = {
    "format": "ggufv2", "size": "1", "repositories": [{"hub": "huggingface", "id": "acme/mine"}],
}  # fmt: skip


def changed(**values: Any) -> dict[str, Any]:
    return {**FAMILY, **values}


def test_versions(world: World) -> None:
    first = register(FAMILY, "ann")
    assert (first.version, first.owner, first.family.abilities) == (1, "ann", ("chat",))
    with pytest.raises(Conflict, match="registered already"):
        register(FAMILY, "ben")
    second = edit(changed(abilities=["chat", "tools"]), "ann")
    assert second.version == 2
    assert [info.version for info in api.registrations()] == [2]
    assert api.registration("llm", "mine", version=1).family.abilities == ("chat",)
    api.unregister("llm", "mine", "ann")
    assert api.registrations() == []
    assert register(FAMILY, "ben").version == 3
    assert Registration.objects.count() == 3


def test_whose_it_is(world: World) -> None:
    register(changed(name="own"), "ann", project="research")
    register(FAMILY, "ann", True, project="research")
    assert [info.name for info in api.registrations(project="research")] == ["mine", "own"]
    assert [info.name for info in api.registrations("llm", "sales")] == ["mine"]
    assert [info.name for info in api.registrations("image")] == []
    for act in (
        lambda: api.registration("llm", "own", "sales"),
        lambda: api.unregister("llm", "own", "ben", "sales"),
        lambda: edit(changed(name="own"), "ben", within="sales"),
    ):
        with pytest.raises(NotFound, match="no registration of llm 'own'"):
            act()
    with pytest.raises(Forbidden, match="shared by another project"):
        api.unregister("llm", "mine", "ben", "sales")
    with pytest.raises(Forbidden):
        edit(FAMILY, "ben", within="sales")
    with pytest.raises(NotFound, match="there are: llm"):
        api.registration("poem", "mine")
    # Names are the same for all, and nobody is told whose one is.
    with pytest.raises(Conflict) as taken:
        register(changed(name="own"), "ben", project="sales")
    assert "research" not in str(taken.value)
    assert edit(FAMILY, "cleo", within="research").owner == "cleo"
    seen = {model.uid: (model.project, model.shared) for model in api.served_models()}
    assert seen == {"mine": ("research", True), "own": ("research", False)}


def test_old_versions_stay_with_their_project(world: World) -> None:
    register(FAMILY, "ann", project="research")
    api.unregister("llm", "mine", within="research")
    world.settle(4)
    assert register(FAMILY, "ben", project="sales").version == 2
    with pytest.raises(NotFound):
        api.registration("llm", "mine", "sales", version=1)
    assert api.registration("llm", "mine", "research", version=1).owner == "ann"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "specs[0].repositories[0].id"),
        ({"specs": [{**SPEC, "file": "../../secret.gguf"}]}, "specs[0]"),
        ({"specs": [{**SPEC, "projectors": ["/etc/passwd"]}]}, "specs[0]"),
        ({"specs": [SPEC], "packages": {"*": ["evil"]}}, "packages"),
        (
            {"specs": [SPEC], "engine_options": {"*": {"mmproj": "/etc/passwd"}}},
            "engine_options.*.mmproj",
        ),
    ],
)
def test_what_runs_code_or_opens_files(world: World, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Forbidden, match=r"launches\.unsafe") as refused:
        api.register(changed(**values), "dev", project="research")
    assert refused.value.param == field
    assert not Registration.objects.exists()


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"name": "a b"}, "name"),
        ({"kind": "poem"}, "kind"),
        ({"specs": []}, "specs"),
        ({"specs": [{"format": "ggufv2"}]}, "specs[0]"),
        ({"specs": [{**FAMILY["specs"][0], "format": "word"}]}, "specs[0].format"),
        ({"context_length": 0}, "context_length"),
        ({"contextlength": 5}, "contextlength"),
    ],
)
def test_mistakes_are_named_by_field(world: World, values: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        register(changed(**values))
    assert caught.value.param == param
    assert param.partition("[")[0] in caught.value.message
    assert not Registration.objects.exists()


def test_called_by_its_name(world: World) -> None:
    register(FAMILY, "ann")
    [model] = api.served_models()
    assert (model.uid, model.state, model.family) == ("mine", "stopped", "mine")
    api.wake("mine")
    world.settle(3)
    info = api.launch_info("mine")
    assert (info.state, info.engine, info.model_path) == ("ready", "fake", "/models/mine")
    assert (info.family_version, info.min_replicas, info.idle_seconds) == (1, 0, 300)
    api.terminate("mine")
    world.settle(3)
    # The next call runs the version of then.
    spec = {**FAMILY["specs"][0], "repositories": [{"hub": "path", "id": "/models/new"}]}
    edit(changed(specs=[spec]), "ann")
    api.wake("mine")
    world.settle(3)
    info = api.launch_info("mine")
    assert (info.state, info.model_path, info.family_version) == ("ready", "/models/new", 2)


def test_what_cannot_be_run_says_why_and_is_tried_again(world: World, hints: list[Any]) -> None:
    spec = {**FAMILY["specs"][0], "repositories": [{"hub": "path", "id": "/gone"}]}
    register(changed(specs=[spec]))
    api.wake("mine")
    info = api.launch_info("mine")
    assert (info.state, info.reason) == ("failed", "There is no file /gone.")
    assert ("launch_failed", {"uid": "mine", "reason": "There is no file /gone."}) in hints
    edit(FAMILY)
    api.wake("mine")
    assert api.launch_info("mine").state == "failed", "not at once again"
    world.clock.now += 11
    api.wake("mine")
    world.settle(3)
    assert api.launch_info("mine").state == "ready"


def test_removed_with_what_its_name_started(world: World) -> None:
    register(FAMILY)
    api.launch(an_order("other", engine="", model_path="", family="mine"))
    api.wake("mine")
    world.settle(3)
    api.unregister("llm", "mine")
    for act in (lambda: api.launch(an_order("mine")), lambda: api.relaunch("mine")):
        with pytest.raises(Conflict, match="being removed"):
            act()
    api.wake("mine")
    world.settle(4)
    assert not Model.objects.filter(uid="mine").exists()
    assert api.launch_info("other").state == "ready"
    assert len(world.running()) == 1
    api.launch(an_order("mine"))


def test_a_name_that_is_taken_stays_with_its_launch(world: World) -> None:
    api.launch(an_order("mine"))
    register(FAMILY)
    assert Launch.objects.get().model.origin == "launch"
    api.unregister("llm", "mine")
    world.settle(3)
    assert api.launch_info("mine").state == "ready"

"""All devices together: drivers that are slow, hang, fail or recover; whose memory is whose."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import wait_for
from xplatform.core.config import ConfigError, Settings
from xplatform.devices import Device, Inventory, Reading, inventory
from xplatform.devices.nvidia import Nvidia
from xplatform.devices.plugin import Plugin, plugins
from xplatform.devices.rocm import Rocm

#: the function of the same name stands in its place in the package
inventory_module = sys.modules["xplatform.devices.inventory"]
GIB = 1024**3


class Driver:
    """A plug-in as a test wants it."""

    def __init__(self, kind: str = "cuda", every: float = 0.0, *, here: bool = True) -> None:
        self.kind, self.every, self._here = kind, every, here
        self.answer: Callable[[], Reading] = lambda: Reading((Device(f"{kind}:0", kind),))
        self.asked = 0

    def present(self) -> bool:
        return self._here

    def read(self) -> Reading:
        self.asked += 1
        return self.answer()

    def binding(self, devices: Sequence[Device]) -> dict[str, str]:
        return {f"{self.kind.upper()}_DEVICES": ",".join(str(d.index) for d in devices)}


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """A driver that waits for this hangs until the test ends."""
    event = threading.Event()
    yield event
    event.set()


def ids(inventory: Inventory) -> list[str]:
    return [device.id for device in inventory.devices()]


def test_all_kinds_that_are_here() -> None:
    kinds: dict[str, Plugin] = {
        "cuda": Driver(), "cpu": Driver("cpu"), "rocm": Driver("rocm", here=False),
    }  # fmt: skip
    assert ids(Inventory(kinds=kinds)) == ["cuda:0", "cpu:0"]


def test_this_machine() -> None:
    assert "cpu" in {device.id for device in inventory()}


def test_the_first_look_waits_for_a_slow_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a model of a GPU would be started on the processor."""
    monkeypatch.setattr(inventory_module, "FIRST_LOOK", 60.0)
    slow = Driver(every=5.0)
    answer = slow.answer

    def read() -> Reading:
        time.sleep(0.3)
        return answer()

    slow.answer = read
    assert ids(Inventory(kinds={"cuda": slow})) == ["cuda:0"]


def test_a_driver_that_hangs_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, hang: threading.Event
) -> None:
    monkeypatch.setattr(inventory_module, "FIRST_LOOK", 0.1)
    dead, alive = Driver("cuda", every=0.001), Driver("rocm", every=0.001)

    def never() -> Reading:
        hang.wait(60)
        return Reading()

    dead.answer = never
    inventory = Inventory(kinds={"cuda": dead, "rocm": alive, "cpu": Driver("cpu")})
    assert set(ids(inventory)) >= {"cpu:0"}
    wait_for(lambda: "rocm:0" in ids(inventory), "the living driver")
    threads = threading.active_count()
    began = time.monotonic()
    for _ in range(50):
        ids(inventory)
        time.sleep(0.002)
    assert time.monotonic() - began < 20
    # It was asked once, and nothing piles up behind it.
    assert dead.asked == 1
    assert threading.active_count() <= threads + 1
    # The living one is asked on.
    assert alive.asked > 1


def test_old_answers_are_dropped_and_come_back(
    monkeypatch: pytest.MonkeyPatch, hang: threading.Event
) -> None:
    monkeypatch.setattr(inventory_module, "FORGET_AFTER", 0.2)
    driver = Driver(every=0.001)
    answer = driver.answer
    inventory = Inventory(kinds={"cuda": driver})
    wait_for(lambda: ids(inventory) == ["cuda:0"], "the first answer")

    def never() -> Reading:
        hang.wait(60)
        return answer()

    driver.answer = never
    wait_for(lambda: ids(inventory) == [], "its devices to be dropped")
    driver.answer = answer
    hang.set()
    wait_for(lambda: ids(inventory) == ["cuda:0"], "its devices to be back")


def test_a_driver_that_fails_keeps_its_last_answer(caplog: pytest.LogCaptureFixture) -> None:
    driver = Driver()
    inventory = Inventory(kinds={"cuda": driver})
    assert ids(inventory) == ["cuda:0"]

    def fail() -> Reading:
        raise RuntimeError("the driver was updated")

    driver.answer = fail
    for _ in range(5):
        assert ids(inventory) == ["cuda:0"]
    assert len([r for r in caplog.records if "the driver was updated" in r.getMessage()]) == 1


class TestForeign:
    """What placement may not count on."""

    @staticmethod
    def gpu(used: int, taken: dict[int, int] | None) -> Inventory:
        driver = Driver()
        device = Device("cuda:0", "cuda", memory_total=80 * GIB, memory_used=used)
        driver.answer = lambda: Reading((device,), {} if taken is None else {"cuda:0": taken})
        return Inventory(kinds={"cuda": driver})

    def test_all_that_is_not_ours(self) -> None:
        inventory = self.gpu(10 * GIB, {100: 6 * GIB, 200: 3 * GIB})
        [device] = inventory.devices()
        assert device.memory_foreign == 10 * GIB
        inventory.own([100], 0, ["cuda:0"])
        [device] = inventory.devices()
        assert (device.memory_foreign, device.memory_free) == (4 * GIB, 70 * GIB)
        assert inventory.taken_by([100, 300]) == 6 * GIB

    def test_a_driver_that_does_not_tell_whose_it_is(self) -> None:
        """As in a container: process ids are the host's."""
        driver = Driver()

        def using(used: int) -> None:
            device = Device("cuda:0", "cuda", memory_total=80 * GIB, memory_used=used)
            driver.answer = lambda: Reading((device,), {"cuda:0": {99999: used}})

        inventory = Inventory(kinds={"cuda": driver})
        using(2 * GIB)
        assert inventory.devices()[0].memory_foreign == 2 * GIB
        # A replica of ours was given the device, and loads: what is added is its own.
        inventory.own([100], 0, ["cuda:0"])
        using(30 * GIB)
        assert inventory.devices()[0].memory_foreign == 2 * GIB
        inventory.own([], 0, [])
        using(3 * GIB)
        assert inventory.devices()[0].memory_foreign == 3 * GIB

    def test_of_the_machines_memory(self) -> None:
        driver = Driver("cpu")
        device = Device("cpu", "cpu", memory_total=16 * GIB, memory_used=6 * GIB)
        driver.answer = lambda: Reading((device,))
        inventory = Inventory(kinds={"cpu": driver})
        inventory.own([100], 4 * GIB, [])
        assert inventory.devices()[0].memory_foreign == 2 * GIB


class TestBinding:
    def test_only_what_was_given(self) -> None:
        kinds: dict[str, Plugin] = {"cuda": Driver("cuda"), "npu": Driver("npu")}
        inventory = Inventory(kinds=kinds)
        assert inventory.binding(["npu:0"]) == {"NPU_DEVICES": "0", "CUDA_DEVICES": ""}
        assert inventory.binding([]) == {"NPU_DEVICES": "", "CUDA_DEVICES": ""}

    def test_cuda_is_closed_even_while_its_driver_says_nothing(self) -> None:
        inventory = Inventory(kinds={"cuda": Nvidia(), "cpu": Driver("cpu")})
        assert inventory.binding(["cpu:0"])["CUDA_VISIBLE_DEVICES"] == ""

    def test_amd_machines_read_cudas_variable_too(self, tmp_path: Path) -> None:
        file = tmp_path / "devices.json"
        devices = [{"id": f"rocm:{n}", "kind": "rocm", "index": n} for n in (0, 1)]
        file.write_text(json.dumps({"devices": devices}))
        inventory = Inventory(str(file), {"rocm": Rocm(), "cuda": Nvidia()})
        bound = inventory.binding(["rocm:1"])
        assert (bound["HIP_VISIBLE_DEVICES"], bound["CUDA_VISIBLE_DEVICES"]) == ("1", "1")
        bound = inventory.binding([])
        assert (bound["HIP_VISIBLE_DEVICES"], bound["CUDA_VISIBLE_DEVICES"]) == ("-1", "-1")

    def test_a_device_that_is_not_here(self) -> None:
        with pytest.raises(KeyError, match="cuda:7"):
            Inventory(kinds={"cuda": Driver()}).binding(["cuda:7"])


class TestChosen:
    """The setting ``devices``."""

    def test_ids(self) -> None:
        kinds: dict[str, Plugin] = {"cuda": Driver(), "cpu": Driver("cpu")}
        assert ids(Inventory("cpu:0", kinds)) == ["cpu:0"]
        assert ids(Inventory(" cuda:0 , cpu:0", kinds)) == ["cuda:0", "cpu:0"]

    def test_a_file_in_place_of_drivers(self, tmp_path: Path) -> None:
        file = tmp_path / "devices.json"
        device = {"id": "cuda:0", "kind": "cuda", "memory_total": 80, "memory_used": 9}
        file.write_text(json.dumps({"devices": [device], "taken": {"cuda:0": {"7": 4}}}))
        inventory = Inventory(str(file), {"cuda": Driver()})
        inventory.own([7], 0, ["cuda:0"])
        [found] = inventory.devices()
        assert (found.memory_total, found.memory_foreign) == (80, 5)
        # It is read anew when it changes.
        file.write_text(json.dumps({"devices": [{**device, "id": "cuda:12"}]}))
        assert ids(inventory) == ["cuda:12"]
        assert inventory.binding(["cuda:12"]) == {"CUDA_DEVICES": "0"}

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("[]", "is wrong"),
            ('{"devices": [{"kind": "cuda"}]}', "missing required field `id`"),
            ("{", "is wrong"),
            (None, "No such file"),
        ],
    )
    def test_a_bad_file(self, tmp_path: Path, text: str | None, says: str) -> None:
        file = tmp_path / "devices.json"
        if text is not None:
            file.write_text(text)
        with pytest.raises(ConfigError, match=says):
            Inventory(str(file))

    def test_no_id(self) -> None:
        with pytest.raises(ConfigError, match=r"'cuda 0' is no id"):
            Inventory("cuda 0")


class TestPlugins:
    def test_ours(self) -> None:
        assert set(plugins()) >= {"cuda", "rocm", "metal", "cpu"}

    def test_an_outside_package_adds_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Entry:
            name, value = "npu", "package:Npu"

            def load(self) -> Any:
                return lambda: Driver("npu")

        class Broken(Entry):
            def load(self) -> Any:
                raise ImportError("no libnpu.so")

        entries = [Broken(), Entry()]
        monkeypatch.setattr(
            "xplatform.devices.plugin.entry_points", lambda group: entries if group else []
        )
        assert "npu:0" in ids(Inventory())


def test_settings_that_name_a_file(tmp_path: Path) -> None:
    """Processes run elsewhere: the path means what it means where it was written."""
    from xplatform.warden.serve import _absolute

    made = _absolute(Settings(home=str(tmp_path), devices="here.json"))
    assert made.devices == str(Path("here.json").absolute())
    assert _absolute(Settings(devices="cuda:0,cpu")).devices == "cuda:0,cpu"

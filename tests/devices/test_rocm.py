"""AMD GPUs by a tree of files as the kernel's driver makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from xplatform.devices.rocm import Rocm

GIB = 1024**3


def write(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def add_gpu(root: Path, node: int, minor: int, gpu: int, *, gfx: int, **facts: object) -> None:
    kfd = root / "class/kfd/kfd"
    folder = kfd / "topology/nodes" / str(node)
    write(folder / "gpu_id", gpu)
    write(
        folder / "properties",
        f"cpu_cores_count 0\nsimd_count 440\ngfx_target_version {gfx}\ndrm_render_minor {minor}",
    )
    for name, value in facts.items():
        write(root / f"class/drm/renderD{minor}/device" / name.replace("__", "/"), value)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A processor and two GPUs, the second without sensors."""
    kfd = tmp_path / "class/kfd/kfd"
    write(kfd / "topology/nodes/0/gpu_id", 0)
    write(kfd / "topology/nodes/0/properties", "cpu_cores_count 64\nsimd_count 0")
    add_gpu(
        tmp_path, 1, 128, 51110, gfx=90010,
        product_name="AMD Instinct MI250X", unique_id="4f2a", mem_info_vram_total=64 * GIB,
        mem_info_vram_used=3 * GIB, gpu_busy_percent=71,
        hwmon__hwmon3__temp1_input=41000, hwmon__hwmon3__temp2_input=57500,
    )  # fmt: skip
    add_gpu(
        tmp_path, 10, 129, 4000, gfx=110000,
        mem_info_vram_total=24 * GIB, mem_info_vram_used=GIB,
    )  # fmt: skip
    write(kfd / "proc/4711/vram_51110", 2 * GIB)
    write(kfd / "proc/4711/vram_4000", 0)
    write(kfd / "proc/4712/vram_4000", GIB)
    return tmp_path


def test_devices(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HIP_VISIBLE_DEVICES", raising=False)
    plugin = Rocm(root)
    assert plugin.present()
    reading = plugin.read()
    first, second = reading.devices
    assert (first.id, first.kind, first.index) == ("rocm:0", "rocm", 0)
    assert (first.name, first.uuid) == ("AMD Instinct MI250X", "GPU-4f2a")
    assert (first.memory_total, first.memory_used) == (64 * GIB, 3 * GIB)
    assert (first.utilization, first.temperature, first.capability) == (71.0, 57.5, "gfx90a")
    assert (second.id, second.name, second.capability) == ("rocm:1", "AMD GPU", "gfx1100")
    assert (second.utilization, second.temperature) == (None, None)
    assert reading.taken == {"rocm:0": {4711: 2 * GIB}, "rocm:1": {4712: GIB}}


def test_a_gpu_that_a_container_was_not_given(root: Path) -> None:
    (root / "class/drm/renderD128/device").rename(root / "elsewhere")
    [device] = Rocm(root).read().devices
    # HIP counts what it sees.
    assert (device.id, device.memory_total) == ("rocm:0", 24 * GIB)


def test_what_the_operator_leaves_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "1")
    assert [d.id for d in Rocm(root).read().devices] == ["rocm:1"]


def test_binding(root: Path) -> None:
    plugin = Rocm(root)
    devices = plugin.read().devices
    assert plugin.binding(devices[1:])["HIP_VISIBLE_DEVICES"] == "1"
    # Empty would mean all of them.
    assert plugin.binding([])["HIP_VISIBLE_DEVICES"] == "-1"


def test_no_driver(tmp_path: Path) -> None:
    assert not Rocm(tmp_path).present()

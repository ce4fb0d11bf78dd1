"""The processor's memory, and the limits of control groups of both versions."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from xplatform.devices import cgroup, cpu
from xplatform.devices.cgroup import Limits, limits
from xplatform.devices.cpu import Processor, usable_cpus

MIB = 1024**2


def write(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def groups(tmp_path: Path, text: str) -> Path:
    write(tmp_path / "self", text)
    return tmp_path / "self"


def version_2(folder: Path, limit: object, used: int, cache: int = 0) -> None:
    write(folder / "memory.max", limit)
    write(folder / "memory.current", used)
    write(folder / "memory.stat", f"anon 1\ninactive_file {cache}\nactive_file 2")


class TestLimits:
    def test_version_2_in_a_container(self, tmp_path: Path, root: Path) -> None:
        version_2(root, 800 * MIB, 500 * MIB, cache=200 * MIB)
        write(root / "cpu.max", "150000 100000")
        found = limits(root, groups(tmp_path, "0::/"))
        # Cache that can be dropped is not used up.
        assert found == Limits(800 * MIB, 500 * MIB, 1.5)

    def test_the_narrowest_group_above_counts(self, tmp_path: Path, root: Path) -> None:
        version_2(root / "a", 400 * MIB, 350 * MIB)
        version_2(root / "a/b", 600 * MIB, 100 * MIB)
        version_2(root / "a/b/c", "max", 100 * MIB)
        found = limits(root, groups(tmp_path, "0::/a/b/c"))
        assert found == Limits(400 * MIB, 50 * MIB, None)

    def test_version_1(self, tmp_path: Path, root: Path) -> None:
        group = root / "memory/docker/x"
        write(group / "memory.limit_in_bytes", 300 * MIB)
        write(group / "memory.usage_in_bytes", 200 * MIB)
        write(group / "memory.stat", f"cache 7\ntotal_inactive_file {50 * MIB}")
        write(root / "memory/memory.limit_in_bytes", 9223372036854771712)  # none
        write(root / "memory/memory.usage_in_bytes", 900 * MIB)
        write(root / "cpu,cpuacct/cpu.cfs_quota_us", 50000)
        write(root / "cpu,cpuacct/cpu.cfs_period_us", 100000)
        found = limits(root, groups(tmp_path, "4:memory:/docker/x\n2:cpu,cpuacct:/\n0::/"))
        assert found == Limits(300 * MIB, 150 * MIB, 0.5)

    def test_a_path_of_the_host_inside_of_a_container(self, tmp_path: Path, root: Path) -> None:
        version_2(root, 100 * MIB, 10 * MIB)
        found = limits(root, groups(tmp_path, "0::/../../system.slice/x"))
        assert found.memory == 100 * MIB

    @pytest.mark.parametrize("text", ["0::/", "4:memory:/x\n3:cpu:/y", "nonsense", ""])
    def test_no_limits(self, tmp_path: Path, root: Path, text: str) -> None:
        root.mkdir()
        assert limits(root, groups(tmp_path, text)) == Limits()
        assert limits(root, tmp_path / "no file") == Limits()

    def test_here(self) -> None:
        found = limits()
        assert found.memory is None or found.memory > 0


class TestProcessor:
    def test_here(self) -> None:
        [device] = Processor().read().devices
        assert (device.id, device.kind) == ("cpu", "cpu")
        assert 0 < device.memory_used < device.memory_total <= psutil.virtual_memory().total
        assert device.name
        assert Processor().binding([device]) == {}

    def test_a_container_has_what_its_group_has(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cgroup, "limits", lambda: Limits(800 * MIB, 300 * MIB, None))
        [device] = Processor().read().devices
        assert (device.memory_total, device.memory_free) == (800 * MIB, 300 * MIB)

    def test_a_machine_with_less_left_than_its_group_allows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        total = psutil.virtual_memory().total
        memory = psutil.virtual_memory()._replace(available=100 * MIB)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
        monkeypatch.setattr(cgroup, "limits", lambda: Limits(2 * total, total, None))
        [device] = Processor().read().devices
        assert (device.memory_total, device.memory_free) == (total, 100 * MIB)

    @pytest.mark.parametrize(("quota", "cpus"), [(0.5, 1), (1.6, 2), (None, 4), (64.0, 4)])
    def test_processors(
        self, monkeypatch: pytest.MonkeyPatch, quota: float | None, cpus: int
    ) -> None:
        monkeypatch.setattr(cpu.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
        monkeypatch.setattr(cgroup, "limits", lambda: Limits(None, None, quota))
        assert usable_cpus() == cpus

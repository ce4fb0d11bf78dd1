"""The node's side: a replica's environment and memory, news in heartbeats, leaving."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from apps.models.node import membership, memory
from apps.models.node.agent import Agent, child_name
from apps.models.node.heart import Heart
from apps.models.node.membership import Membership, refused
from apps.models.node.memory import Meter, children, descendants, resident_memory
from tests.deploy.servers import valkey
from tests.models.fake_warden import FakeWarden
from tests.models.test_agent import (
    KEY,
    agent,
    make_agent,
    reports,
    settings,
    spec,
    start,
    states,
    told,
    warden,
)
from tests.models.world import FakeSender
from tests.support.server import wait_for
from xplatform.core.config import Settings
from xplatform.core.queues import TASK_HEARTBEAT
from xplatform.devices import Inventory
from xplatform.warden.client import WardenClient

__all__ = ["agent", "reports", "settings", "warden"]

MIB = 1024**2
DEVICES = [
    {"id": "cpu", "kind": "cpu", "memory_total": 1000 * MIB, "memory_used": 600 * MIB},
    {"id": "cuda:0", "kind": "cuda", "memory_total": 1000 * MIB, "memory_used": 300 * MIB},
    {"id": "cuda:1", "kind": "cuda", "index": 1, "memory_total": 1000 * MIB},
]


class MadeUp:
    """Devices of a file, which a test changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set()

    def set(self, **taken: dict[str, int]) -> None:
        by_device = {name.replace("_", ":"): by_pid for name, by_pid in taken.items()}
        self._path.write_text(json.dumps({"devices": DEVICES, "taken": by_device}))

    @property
    def inventory(self) -> Inventory:
        return Inventory(str(self._path))


@pytest.fixture
def made_up(tmp_path: Path) -> MadeUp:
    return MadeUp(tmp_path / "devices.json")


@pytest.fixture
def with_gpus(
    settings: Settings, warden: FakeWarden, reports: FakeSender, made_up: MadeUp
) -> Agent:
    client = WardenClient(settings.sockets_path / "warden.sock")
    return Agent("n1", settings, reports, client, made_up.inventory)  # type: ignore[arg-type]


class TestEnvironment:
    def test_of_a_replica_with_devices(self, with_gpus: Agent, warden: FakeWarden) -> None:
        start(with_gpus, warden, devices=["cuda:1"], environment={"HF_TOKEN": "hf_secret"})
        [environment] = warden.environments
        assert environment == {
            "CUDA_VISIBLE_DEVICES": "1",
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            "HF_TOKEN": "hf_secret",
            "OMP_WAIT_POLICY": "passive",
        }
        assert "hf_secret" not in str(warden.started)

    def test_without_devices_it_sees_no_gpu(self, with_gpus: Agent, warden: FakeWarden) -> None:
        start(with_gpus, warden, environment={"CUDA_VISIBLE_DEVICES": "0,1"})
        assert warden.environments[0]["CUDA_VISIBLE_DEVICES"] == ""

    def test_the_launch_may_choose_how_threads_wait(
        self, with_gpus: Agent, warden: FakeWarden
    ) -> None:
        start(with_gpus, warden, environment={"OMP_WAIT_POLICY": "active"})
        assert warden.environments[0]["OMP_WAIT_POLICY"] == "active"

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"devices": ["cuda:7"]}, "no device 'cuda:7' now; it has: cpu, cuda:0, cuda:1"),
            ({"environment": {"A B": "x"}}, "'A B'"),
            ({"environment": {"A": "x\0y"}}, "'A'"),
            ({"environment": {"XPLATFORM_HOME": "/"}}, "XPLATFORM_HOME is the platform's own"),
            ({"environment": {"PYTHONPATH": "/"}}, "PYTHONPATH"),
            ({"environment": {"LD_PRELOAD": "/x.so"}}, "LD_PRELOAD"),
        ],
    )
    def test_what_cannot_be(
        self,
        with_gpus: Agent,
        warden: FakeWarden,
        reports: FakeSender,
        changes: dict[str, Any],
        says: str,
    ) -> None:
        with_gpus.start_replica(spec(**changes))
        wait_for(lambda: "failed" in states(reports), "a refusal")
        assert says in dict(told(reports))["failed"]
        assert warden.started == []


#: a process with a child that holds 64 MiB
HOLDER = """
import subprocess, sys
held = "x = bytearray(64 * 1024 * 1024); print('there', flush=True); input()"
child = subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE)
input()
"""


class TestMemory:
    @pytest.fixture
    def holder(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == b"there\n"
        yield process
        for child in psutil.Process(process.pid).children():
            child.kill()
        process.kill()
        process.communicate()

    def test_of_a_replica_with_its_engine(
        self, holder: subprocess.Popen[bytes], made_up: MadeUp
    ) -> None:
        [child] = psutil.Process(holder.pid).children()
        assert descendants(holder.pid, children()) == [child.pid]
        made_up.set(cuda_0={str(child.pid): 200 * MIB, "1": 50 * MIB})
        inventory = made_up.inventory
        meter = Meter(inventory)
        meter.watch({holder.pid: ["cuda:0"]})
        taken = wait_for(lambda: t if (t := meter.of(holder.pid)).pids else None, "a measure")
        assert taken is not None
        assert set(taken.pids) == {holder.pid, child.pid}
        assert 64 * MIB < taken.resident < 64 * MIB + 60 * MIB
        assert 64 * MIB < taken.private <= taken.resident
        assert taken.device == 200 * MIB
        # And what is left is foreign.
        cpu, gpu, _ = inventory.devices()
        assert gpu.memory_foreign == 100 * MIB
        assert cpu.memory_foreign == 600 * MIB - taken.private
        # When it has ended, all of it is.
        meter.watch({})
        assert meter.of(holder.pid).resident == 0
        assert inventory.devices()[1].memory_foreign == 300 * MIB

    def test_a_process_that_is_gone(self) -> None:
        assert resident_memory(2**22 + 1) == (0, 0)

    def test_where_shares_are_not_to_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = memory._sizes

        def sizes(file: Path) -> dict[str, int]:
            if file.name == "smaps_rollup":
                raise PermissionError
            return real(file)

        pid = psutil.Process().pid
        exact = resident_memory(pid)
        monkeypatch.setattr(memory, "_sizes", sizes)
        rough = resident_memory(pid)
        assert rough[0] >= exact[0] > 0
        assert 0 < rough[1] <= rough[0]

    def test_a_second_replica_of_a_file_shares_its_pages(self, tmp_path: Path) -> None:
        """Two that have mapped the same model do not count it twice."""
        file = tmp_path / "model"
        file.write_bytes(b"x" * 64 * MIB)
        code = (
            "import mmap, sys; f = open(sys.argv[1], 'rb'); m = mmap.mmap(f.fileno(), 0,"
            " prot=mmap.PROT_READ); sum(m[::4096]); print(flush=True); input()"
        )
        both = [
            subprocess.Popen(
                [sys.executable, "-c", code, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            for _ in range(2)
        ]
        try:
            for process in both:
                assert process.stdout is not None
                process.stdout.readline()
            sizes = [resident_memory(process.pid) for process in both]
            assert 64 * MIB < sum(resident for resident, _ in sizes) < 110 * MIB
            # None of it is lost to others for good.
            assert sum(private for _, private in sizes) < 40 * MIB
        finally:
            for process in both:
                process.kill()
                process.communicate()

    def test_it_is_in_the_heartbeat(
        self, with_gpus: Agent, warden: FakeWarden, made_up: MadeUp, reports: FakeSender
    ) -> None:
        start(with_gpus, warden, devices=["cuda:0"])
        pid = warden.processes[child_name(KEY)].pid
        made_up.set(cuda_0={str(pid): 7 * MIB})
        with_gpus.inventory.devices()

        def item() -> Any:
            [listed] = with_gpus.listing()
            return listed if listed.device_memory else None

        listed = wait_for(item, "a measure")
        assert listed is not None
        assert listed.device_memory == 7 * MIB
        assert with_gpus.inventory.devices()[1].memory_foreign == 293 * MIB

    def test_a_new_agent_knows_whose_devices_they_are(
        self, with_gpus: Agent, warden: FakeWarden, settings: Settings, made_up: MadeUp
    ) -> None:
        start(with_gpus, warden, devices=["cuda:0"])
        client = WardenClient(settings.sockets_path / "warden.sock")
        inventory = made_up.inventory
        new = Agent("n1", settings, FakeSender(), client, inventory)  # type: ignore[arg-type]
        new.listing()
        wait_for(lambda: inventory._bound == {"cuda:0"}, "the device to be known as given")


class TestHeartbeat:
    def test_labels_engines_devices(
        self, settings: Settings, warden: FakeWarden, reports: FakeSender, made_up: MadeUp
    ) -> None:
        labelled = Settings(home=settings.home, node_labels="zone=a, gpu=big")
        client = WardenClient(settings.sockets_path / "warden.sock")
        agent = Agent("n1", labelled, reports, client, made_up.inventory)  # type: ignore[arg-type]
        Heart(agent, reports, labelled).beat()  # type: ignore[arg-type]
        [message] = reports.take(TASK_HEARTBEAT)
        said = message.args[0]
        assert said["labels"] == {"zone": "a", "gpu": "big"}
        assert [d["id"] for d in said["devices"]["devices"]] == ["cpu", "cuda:0", "cuda:1"]
        assert said["devices"]["cpus"] >= 1
        assert set(said["engines"]) == {"fake"}
        assert len(said["instance"]) == 16

    def test_files_are_told_when_there_is_news(
        self, agent: Agent, warden: FakeWarden, reports: FakeSender, settings: Settings
    ) -> None:
        files: dict[str, Any] = {"downloads": [1]}
        heart = Heart(agent, reports, settings, lambda: dict(files))  # type: ignore[arg-type]

        def said() -> Any:
            heart.beat()
            [message] = reports.take(TASK_HEARTBEAT)
            return message.args[0].get("files")

        assert said() == {"downloads": [1]}
        assert not said()
        files["downloads"] = [2]
        assert said() == {"downloads": [2]}
        # And from time to time, should one have got lost.
        heart._files_told = (heart._files_told[0] - 60, heart._files_told[1])
        assert said() == {"downloads": [2]}


class TestLeaving:
    def make(self, settings: Settings, agent: Agent, *, may_leave: bool = True) -> Membership:
        client = WardenClient(settings.sockets_path / "warden.sock")
        return Membership("n1", agent.instance, settings, client, may_leave)

    def test_told_to(self, settings: Settings, agent: Agent, warden: FakeWarden) -> None:
        member = self.make(settings, agent)
        for _ in range(2):
            member.leave(agent.instance, "its token was revoked")
        assert warden.shutdowns == ["Node n1 leaves the cluster: its token was revoked."]

    def test_another_machine_is_meant(
        self, settings: Settings, agent: Agent, warden: FakeWarden
    ) -> None:
        self.make(settings, agent).leave("somebody else", "the name is taken")
        assert warden.shutdowns == []

    def test_the_servers_own_node_stays(
        self, settings: Settings, agent: Agent, warden: FakeWarden
    ) -> None:
        self.make(settings, agent, may_leave=False).leave("", "revoked")
        assert warden.shutdowns == []

    def test_instances(self, settings: Settings, agent: Agent) -> None:
        assert make_agent(settings, FakeSender()).instance == agent.instance
        with tempfile.TemporaryDirectory(prefix="xp-") as home:
            assert make_agent(Settings(home=home), FakeSender()).instance != agent.instance

    def test_a_broker_that_says_no(
        self,
        settings: Settings,
        agent: Agent,
        warden: FakeWarden,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(membership, "_ASK_EVERY", 0.0)
        monkeypatch.setattr(membership, "_REFUSED_FOR", 0.0)
        with valkey('requirepass right\nsave ""\n') as port:
            wrong = f"redis://:wrong@127.0.0.1:{port}/0"
            right = f"redis://:right@127.0.0.1:{port}/0"
            assert refused(wrong)
            assert not refused(right)
            outside = Settings(home=settings.home, broker=right)
            self.make(outside, agent).check()
            assert warden.shutdowns == []
            self.make(Settings(home=settings.home, broker=wrong), agent).check()
            assert "does not let this machine in" in warden.shutdowns[0]
        # One that is away says nothing.
        assert not refused(wrong)

    def test_a_moment_of_refusal_is_waited_out(
        self, settings: Settings, agent: Agent, warden: FakeWarden, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(membership, "_ASK_EVERY", 0.0)
        answers = [True, False, True]
        monkeypatch.setattr(membership, "refused", lambda url: answers.pop(0))
        member = self.make(settings, agent)
        for _ in range(3):
            member.check()
        assert warden.shutdowns == []

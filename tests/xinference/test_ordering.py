"""A launch in Xinference's words as an order in ours, on made-up machines."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from apps.models.api import LaunchOrder, Placement
from apps.models.caller import Caller
from apps.models.models import Node
from apps.models.xinference.engine_options import fitted
from apps.models.xinference.names import of_version, size_shown, version_name
from apps.models.xinference.ordering import read_launch
from xplatform.core.errors import InvalidValue, PlatformError, Unsupported
from xplatform.devices.device import Device

ME = Caller("me", "default", unsafe=False, shares=False, sees_files=False)


@pytest.fixture
def nodes(clean_database: None) -> None:
    gpus = [Device(f"cuda:{index}", "cuda", index=index) for index in range(4)]
    machines = (("big", gpus), ("small", gpus[:1]), ("plain", []))
    for number, (name, devices) in enumerate(machines):
        Node.objects.create(
            name=name,
            address=f"10.0.0.{number + 4}",
            devices={"devices": msgspec.to_builtins([Device("cpu", "cpu"), *devices])},
        )


def order(**body: Any) -> LaunchOrder:
    return read_launch({"model_name": "some-family", **body}, ME).order


@pytest.mark.usefixtures("nodes")
class TestPlaces:
    def test_nothing_said(self) -> None:
        assert order().placement == Placement(count="auto")

    @pytest.mark.parametrize(
        ("body", "placement"),
        [
            ({"n_gpu": None}, Placement(count=None)),
            ({"n_gpu": 0}, Placement(count=None)),
            ({"n_gpu": 2}, Placement(count=2)),
            ({"worker_ip": "big"}, Placement(nodes=("big",), count="auto")),
            ({"worker_ip": "10.0.0.5"}, Placement(nodes=("small",), count="auto")),
            ({"worker_ip": "10.0.0.5:30000"}, Placement(nodes=("small",), count="auto")),
            ({"gpu_idx": 1}, Placement(devices=("cuda:1",), count=1)),
            (
                {"gpu_idx": [0, 3], "worker_ip": "big"},
                Placement(nodes=("big",), devices=("cuda:0", "cuda:3"), count=2),
            ),
            (
                {"gpu_idx": [0, 1, 2, 3], "replica": 2, "n_gpu": 2},
                Placement(devices=("cuda:0", "cuda:1", "cuda:2", "cuda:3"), count=2),
            ),
        ],
    )
    def test_places(self, body: dict[str, Any], placement: Placement) -> None:
        assert order(**body).placement == placement

    def test_one_place_for_each_replica(self) -> None:
        read = read_launch(
            {
                "model_name": "m",
                "replica": 2,
                "replica_config": [
                    {"devices": [{"worker_ip": "big", "gpu_idx": [2]}]},
                    {"replica_uid": "b", "devices": [{"worker_ip": "small", "n_gpu": 1}]},
                ],
            },
            ME,
        )
        assert read.order.placement == Placement(nodes=("big",), devices=("cuda:2",), count=1)
        assert read.further == (Placement(nodes=("small",), count=1),)
        assert (read.order.min_replicas, read.order.max_replicas) == (1, 1)

    @pytest.mark.parametrize(
        "body",
        [
            {"gpu_idx": [4]},
            {"gpu_idx": [1], "worker_ip": "small"},
            {"gpu_idx": [0], "worker_ip": "plain"},
            {"gpu_idx": [0, 1], "n_gpu": 3},
            {"worker_ip": "10.0.0.99"},
        ],
    )
    def test_places_that_there_are_not(self, body: dict[str, Any]) -> None:
        with pytest.raises(PlatformError) as refused:
            order(**body)
        assert refused.value.status == 400
        assert refused.value.param in ("gpu_idx", "n_gpu", "worker_ip")

    def test_names(self) -> None:
        assert order(model_name="Qwen/Qwen3-0.6B").uid == "Qwen3-0.6B"
        assert order(model_name="a b+c").uid == "a-b-c"
        assert order(model_uid="mine").uid == "mine"
        sizes = [order(model_size_in_billions=size).size for size in (7, 0.5, "0_5", "1_8", None)]
        assert sizes == ["7", "0.5", "0.5", "1.8", ""]
        engines = [order(model_engine=name).engine for name in ("Transformers", "llama.cpp", "X")]
        assert engines == ["transformers", "llama.cpp", "X"]

    def test_the_rest_goes_to_the_engine(self) -> None:
        read = order(
            replica=3,
            envs={"A": "1"},
            peft_model_config={"lora_list": [{"lora_name": "l", "local_path": "/l"}]},
            virtual_env_packages=["x==1"],
            request_limits=1,
            some_option={"a": [1]},
            nothing=None,
        )
        assert read.options == {"some_option": {"a": [1]}}
        assert (read.min_replicas, read.max_replicas, read.slots) == (3, 3, 1)
        assert read.environment == {"A": "1"}
        assert read.packages == ("x==1",)
        assert [(one.name, one.path, one.scale) for one in read.adapters] == [("l", "/l", 1.0)]
        assert order(min_replicas=0, max_replicas=4).min_replicas == 0
        assert order(request_limits=1000).slots == order(request_limits=4).slots


def test_common_names_of_options() -> None:
    def fit(engine: str, **options: Any) -> LaunchOrder:
        return fitted(LaunchOrder(uid="m", engine=engine, options=options))

    for name in ("n_ctx", "max_model_len"):
        read = fit("llama.cpp", **{name: 512}, n_parallel=2)
        assert (read.context_length, read.slots, read.options) == (512, 2, {})
    assert fit("llama.cpp", enable_thinking=False).options == {"enable_reasoning": 0}
    assert fit("llama.cpp", reasoning_content=False).options == {"reasoning_format": "none"}
    assert fit("transformers", enable_thinking=True, reasoning_content=True).options == {}
    with pytest.raises(Unsupported, match="chat_template_kwargs"):
        fit("transformers", enable_thinking=False)
    with pytest.raises(InvalidValue):
        fit("llama.cpp", n_ctx=True)
    # What the launch says itself goes before.
    kept = fitted(
        LaunchOrder(uid="m", engine="llama.cpp", context_length=64, options={"n_ctx": 512})
    )
    assert kept.context_length == 64


def test_versions_lead_back() -> None:
    from apps.models.catalogue.library import library

    families = library().families("llm")[:20]
    for family in families:
        spec = family.specs[-1]
        name = version_name(family, spec, spec.quantizations[-1])
        found = of_version(families, name)
        assert version_name(*found) == name
        assert size_shown(found[1].size) == size_shown(spec.size)
    with pytest.raises(PlatformError, match="no model version"):
        of_version(families, "nothing--7B--x--y")

"""What hubs refuse, in words that say what to do; which files are wanted; where tokens go."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.files.conftest import BIG, content
from tests.files.hub import Hub
from tests.files.s3 import S3Server
from xplatform.core.errors import (
    FilesDamaged,
    HubUnavailable,
    InvalidValue,
    PlatformError,
    SourceForbidden,
    SourceNotFound,
    Unsupported,
)
from xplatform.files import Files, Source
from xplatform.files.listing import RemoteFile, Snapshot
from xplatform.files.selection import select

Make = Callable[..., Files]


def refused(files: Files, source: Source) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        files.ensure(source)
    return caught.value


# --- refusals ------------------------------------------------------------------------------------


def test_gated_without_a_token(hub: Hub, files: Files) -> None:
    hub.gated.add("acme/big")
    error = refused(files, BIG)
    assert isinstance(error, SourceForbidden)
    assert not error.retryable
    for said in (
        "'acme/big' (Hugging Face) is gated or private (answer 401)",
        f"Ask for access at {hub.url}/acme/big",
        f"{hub.url}/settings/tokens",
        "'hf_token' in config.toml (or XPLATFORM_HF_TOKEN or HF_TOKEN) on the node",
    ):
        assert said in error.message


def test_gated_with_a_token_that_may_not(hub: Hub, make_files: Make) -> None:
    hub.gated.add("acme/big")
    error = refused(make_files(hf_token="hf_bad"), BIG)
    assert "The node's token is refused: ask for access at" in error.message
    assert "hf_bad" not in error.message


@pytest.mark.parametrize("where", ["setting", "variable"])
def test_a_token_opens_a_gated_repository_and_stays_with_its_hub(
    hub: Hub, make_files: Make, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    hub.gated.add("acme/big")
    if where == "variable":
        monkeypatch.setenv("HF_TOKEN", "hf_good")
    make_files(hf_token="hf_good" if where == "setting" else "").ensure(BIG)
    [elsewhere] = [r for r in hub.requests if r.host == "localhost"]
    assert elsewhere.path.startswith("/cdn/")
    assert elsewhere.authorization == ""
    assert {r.authorization for r in hub.requests if r.host != "localhost"} == {"Bearer hf_good"}


def test_modelscope_refusals(hub: Hub, make_files: Make) -> None:
    source = Source("modelscope", "acme/big", entry="model.gguf")
    hub.gated.add("acme/big")
    error = refused(make_files(), source)
    assert isinstance(error, SourceForbidden)
    assert f"Ask for access at {hub.url}/models/acme/big" in error.message
    assert "'modelscope_token' in config.toml (or XPLATFORM_MODELSCOPE_TOKEN" in error.message
    assert make_files(modelscope_token="ms_good").ensure(source).exists()
    error = refused(make_files(), Source("modelscope", "acme/none", revision="v9"))
    assert isinstance(error, SourceNotFound)
    assert "repository 'acme/none', or it has no revision 'v9'," in error.message
    assert isinstance(refused(make_files(), Source("modelscope", "none")), InvalidValue)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (Source("huggingface", "acme/none"), "no repository 'acme/none' at http.*If it is private"),
        (Source("huggingface", "acme/small", "v9"), "has no revision 'v9'"),
        (
            Source("huggingface", "acme/big", entry="other.gguf"),
            "has no file 'other.gguf'. It has model.gguf.$",
        ),
        (
            Source("huggingface", "acme/big", files=("*.safetensors",)),
            r"no file that matches '\*.safetensors'. It has config.json, model.gguf",
        ),
        (Source("huggingface", "a/b/c"), "is no name of a repository"),
        (Source("uri", "ftp://host/file"), "use http://, https://, s3:// or file://"),
        (Source("uri", "https://host/"), "has to end in one's name"),
        (Source("path", "/no/such/folder"), "no file or folder '/no/such/folder' on this node"),
        (Source("path", "models"), "is no absolute path"),
        (Source("path", "/etc", entry="../passwd"), "leads out of the folder"),
        (Source("uri", "file://host/x"), "names the host 'host'"),
    ],
)
def test_what_is_not_there(files: Files, source: Source, says: str) -> None:
    with pytest.raises((SourceNotFound, InvalidValue), match=says) as caught:
        files.ensure(source)
    assert not caught.value.retryable


def test_a_hub_that_cannot_be_reached(make_files: Make) -> None:
    away = "http://127.0.0.1:9"
    files = make_files(hf_endpoint=away, modelscope_endpoint=away)
    for kind in ("huggingface", "modelscope"):
        error = refused(files, Source(kind, "acme/small"))  # type: ignore[arg-type]
        assert isinstance(error, HubUnavailable)
        assert "http://127.0.0.1:9 cannot be reached" in error.message
    error = refused(files, Source("uri", f"{away}/x.gguf"))
    assert error.message == "127.0.0.1 cannot be reached: the connection was refused."


@pytest.mark.parametrize("kind", ["huggingface", "modelscope"])
def test_a_listing_that_comes_late(hub: Hub, files: Files, kind: str) -> None:
    hub.listing.statuses = [(500, {}), (429, {}), (502, {})]
    assert files.ensure(Source(kind, "acme/small")).exists()  # type: ignore[arg-type]


def test_local_paths(files: Files, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "model.gguf").write_bytes(b"GGUF")
    folder = tmp_path / "a b"
    assert files.ensure(Source("path", str(folder))) == folder
    assert files.ensure(Source("path", str(folder), entry="model.gguf")) == folder / "model.gguf"
    uri = f"file://{str(folder).replace(' ', '%20')}/model.gguf"
    assert files.ensure(Source("uri", uri)) == folder / "model.gguf"
    assert files.cached() == files.downloads() == []


# --- addresses -----------------------------------------------------------------------------------


def test_an_address_with_its_checksum(hub: Hub, files: Files) -> None:
    good = hashlib.sha256(hub.repos["acme/big"]["model.gguf"]).hexdigest()
    url = f"{hub.url}/web/acme/big/model.gguf"
    assert files.ensure(Source("uri", f"{url}#sha256={good}")).exists()
    files.remove(files.cached()[0].id)
    with pytest.raises(FilesDamaged):
        files.ensure(Source("uri", f"{url}#sha256={'0' * 64}"))


def test_an_address_with_a_password(hub: Hub, files: Files) -> None:
    hub.gated.add("acme/big")
    plain = f"{hub.url}/web/acme/big/model.gguf"
    error = refused(files, Source("uri", plain))
    assert isinstance(error, SourceForbidden)
    assert "its server answered 401" in error.message
    with_password = plain.replace("http://", "http://ann:pa%3Assw0rd@")
    assert files.ensure(Source("uri", with_password)).exists()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    pytest.importorskip("boto3")
    server = S3Server(
        {
            "models/llama/config.json": b"{}",
            "models/llama/model.safetensors": content(3_000_000),
            "models/llama/": b"",
            "models/other.gguf": content(500_000, 2),
        },
        page=2,
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    yield server
    server.close()


def test_s3_one_file_and_a_folder(s3: S3Server, files: Files) -> None:
    path = files.ensure(Source("uri", "s3://models/other.gguf"))
    assert (path.name, path.read_bytes()) == ("other.gguf", content(500_000, 2))
    s3.cuts = [1_000_000, 1_000_000]
    path = files.ensure(Source("uri", "s3://models/llama/"))
    assert (path / "model.safetensors").read_bytes() == content(3_000_000)
    assert (path / "config.json").read_bytes() == b"{}"
    assert s3.cuts == []
    # Each attempt goes on where the one before ended.
    assert s3.sent["models/llama/model.safetensors"] == 3_000_000


def test_s3_refusals(s3: S3Server, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceNotFound, match="'s3://models/none.gguf' cannot be read"):
        files.ensure(Source("uri", "s3://models/none.gguf"))
    with pytest.raises(SourceNotFound, match="nothing at 's3://models/none/'"):
        files.ensure(Source("uri", "s3://models/none/"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(SourceForbidden, match="AWS_ACCESS_KEY_ID"):
        files.ensure(Source("uri", "s3://models/other.gguf"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceForbidden, match="needs credentials: set AWS_ACCESS_KEY_ID"):
        files.ensure(Source("uri", "s3://models/llama/"))


def test_s3_without_its_library(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(Unsupported, match=r'pip install "xplatform\[s3\]"'):
        files.ensure(Source("uri", "s3://models/other.gguf"))


# --- which files ---------------------------------------------------------------------------------


def chosen(paths: str, **wanted: object) -> set[str]:
    snapshot = Snapshot("huggingface", "a/b", "c", tuple(RemoteFile(p) for p in paths.split()))
    source = Source("huggingface", "a/b", **wanted)  # type: ignore[arg-type]
    return {file.path for file in select(source, snapshot)}


@pytest.mark.parametrize(
    ("paths", "left_out"),
    [
        (
            "config.json model.safetensors pytorch_model.bin tf_model.h5 flax_model.msgpack"
            " onnx/model.onnx openvino/openvino_model.bin .gitattributes README.md",
            "pytorch_model.bin tf_model.h5 flax_model.msgpack onnx/model.onnx"
            " openvino/openvino_model.bin .gitattributes",
        ),
        # Old formats stay where there is nothing newer.
        ("config.json pytorch_model.bin onnx/model.onnx", "onnx/model.onnx"),
        ("config.json model.bin vocabulary.txt", ""),
        ("config.json onnx/model.onnx tokenizer.json", ""),
        # Mistral's and Meta's own formats
        (
            "model-00001-of-00001.safetensors consolidated.safetensors original/params.json",
            "consolidated.safetensors original/params.json",
        ),
        ("consolidated.safetensors params.json", ""),
        # diffusers: another precision; a folder without safetensors keeps its files
        (
            "model_index.json unet/model.safetensors unet/model.fp16.safetensors"
            " unet/model.bin vae/model.bin",
            "unet/model.fp16.safetensors unet/model.bin",
        ),
        ("model_index.json unet/model.fp16.safetensors", ""),
        # safetensors beside GGUF
        ("model.safetensors model-Q4_K_M.gguf", "model-Q4_K_M.gguf"),
        # nothing but GGUF: one quantization, with all its parts and its eyes
        (
            "m-Q2_K.gguf m-Q4_K_M-00001-of-00002.gguf m-Q4_K_M-00002-of-00002.gguf m-Q8_0.gguf"
            " mmproj-F32.gguf mmproj-F16.gguf README.md",
            "m-Q2_K.gguf m-Q8_0.gguf mmproj-F32.gguf",
        ),
        ("m-Q8_0.gguf m-F16.gguf", "m-Q8_0.gguf"),
    ],
)
def test_the_usual_files(paths: str, left_out: str) -> None:
    assert set(paths.split()) - chosen(paths) == set(left_out.split())


def test_named_files() -> None:
    paths = "q4-00001-of-00002.gguf q4-00002-of-00002.gguf q8.gguf mmproj.gguf config.json"
    assert chosen(paths, entry="q8.gguf") == {"q8.gguf"}
    assert chosen(paths, entry="q4-00001-of-00002.gguf") == {
        "q4-00001-of-00002.gguf",
        "q4-00002-of-00002.gguf",
    }
    assert chosen(paths, entry="q8.gguf", files=("mmproj*", "*.json")) == {
        "q8.gguf",
        "mmproj.gguf",
        "config.json",
    }


def test_importing_it_loads_no_library_of_a_hub() -> None:
    import subprocess

    program = (
        "import sys, xplatform.files, apps.models.node.worker\n"
        "print([m for m in ('huggingface_hub', 'modelscope_hub', 'boto3', 'requests') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True,
        cwd=Path(__file__).parents[2], check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"

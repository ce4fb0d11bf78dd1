"""The same facts from a repository elsewhere, without fetching what is large."""

from __future__ import annotations

import http.server
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import pytest

from apps.models.facts import LocalFolder, read_facts, read_hub
from tests.models.facts.folders import BERT, QWEN3, SENTENCE, folder
from tests.support import tiny_gguf
from xplatform.core.errors import InvalidValue, MissingField


class Served:
    """A repository over HTTP that counts what is fetched of it."""

    def __init__(self, url: str, sizes: dict[str, int], name: str) -> None:
        self.url, self.sizes, self.name = url, sizes, name
        self.fetched = 0

    def list(self) -> dict[str, int]:
        return self.sizes

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        end = "" if length is None else str(start + length - 1)
        request = urllib.request.Request(
            f"{self.url}/{path}", headers={"Range": f"bytes={start}-{end}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            data: bytes = answer.read()
        self.fetched += len(data)
        return data


class _Ranges(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        data = Path(self.translate_path(self.path)).read_bytes()
        part = data[int(first) : int(last) + 1 if last else None]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Any]:
    def handler(*arguments: Any) -> _Ranges:
        return _Ranges(*arguments, directory=str(tmp_path))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def served(place: Path) -> Served:
        url = f"http://127.0.0.1:{server.server_address[1]}/{place.relative_to(tmp_path)}"
        return Served(url, LocalFolder(place).list(), place.name)

    yield served
    server.shutdown()
    server.server_close()


def test_a_folder_reads_the_same_from_afar(tmp_path: Path, serve: Any) -> None:
    place = folder(tmp_path / "m", {"config.json": QWEN3}, {"w": ("BF16", [1000, 1000])})
    repository = serve(place)
    assert read_hub(repository) == read_facts(place)
    assert repository.fetched < 10_000  # of two million


def test_an_embedding_model_reads_the_same_from_afar(tmp_path: Path, serve: Any) -> None:
    place = folder(tmp_path / "m", {"config.json": BERT, **SENTENCE}, {"w": ("F32", [9, 9])})
    assert read_hub(serve(place)) == read_facts(place)


def test_only_the_head_of_a_gguf_is_fetched(tmp_path: Path, serve: Any) -> None:
    place = tmp_path / "m"
    place.mkdir()
    path = tiny_gguf.write_llama(place / "m-Q8_0.gguf")
    with path.open("r+b") as file:
        file.truncate(50 << 20)
    repository = serve(place)
    assert read_hub(repository) == read_facts(path).given(name="tiny")
    assert repository.fetched <= 1 << 19


def test_a_long_vocabulary_is_fetched_piece_by_piece(tmp_path: Path, serve: Any) -> None:
    place = tmp_path / "m"
    place.mkdir()
    writer = gguf.GGUFWriter(str(place / "m.gguf"), "llama")
    writer.add_context_length(77)
    writer.add_token_list([f"a rather long token number {number}" for number in range(60_000)])
    writer.add_token_scores([0.0] * 60_000)
    writer.add_file_type(7)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    repository = serve(place)
    facts = read_hub(repository)
    assert (facts.context_length, facts.vocabulary, facts.quantization) == (77, 60_000, "Q8_0")
    assert repository.fetched <= (place / "m.gguf").stat().st_size


def test_a_quantization_of_a_repository_of_many(tmp_path: Path, serve: Any) -> None:
    place = tmp_path / "m"
    (place / "sub").mkdir(parents=True)
    tiny_gguf.write_llama(place / "m-Q4_K_M.gguf")
    tiny_gguf.write_llama(place / "sub" / "m-UD-Q4_K_XL.gguf")
    with pytest.raises(MissingField, match="Q4_K_M, UD-Q4_K_XL"):
        read_hub(serve(place))
    facts = read_hub(serve(place), quantization="UD-Q4_K_XL")
    assert (facts.entry, facts.quantization) == ("sub/m-UD-Q4_K_XL.gguf", "UD-Q4_K_XL")
    assert read_hub(serve(place), entry="m-Q4_K_M.gguf").quantization == "Q4_K_M"
    with pytest.raises(InvalidValue, match="no file 'other.gguf'"):
        read_hub(serve(place), entry="other.gguf")


def test_a_download_that_ends_too_early_is_said_so(tmp_path: Path, serve: Any) -> None:
    place = tmp_path / "m"
    place.mkdir()
    path = tiny_gguf.write_llama(place / "m.gguf")
    repository = serve(place)
    data = path.read_bytes()
    path.write_bytes(data[:2000])
    with pytest.raises(InvalidValue, match="m.gguf"):
        read_hub(repository)

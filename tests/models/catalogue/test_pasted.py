"""What people paste, as a source."""

from __future__ import annotations

import pytest

from apps.models.pasted import source_in
from xplatform.core.errors import InvalidValue
from xplatform.files import Source


@pytest.mark.parametrize(
    ("text", "source", "quantization"),
    [
        ("Qwen/Qwen3-0.6B", Source("huggingface", "Qwen/Qwen3-0.6B"), ""),
        ("  'Qwen/Qwen3-0.6B' ", Source("huggingface", "Qwen/Qwen3-0.6B"), ""),
        ("acme/m-GGUF:Q4_K_M", Source("huggingface", "acme/m-GGUF"), "Q4_K_M"),
        ("hf.co/acme/m-GGUF:Q8_0", Source("huggingface", "acme/m-GGUF"), "Q8_0"),
        ("https://huggingface.co/acme/m", Source("huggingface", "acme/m"), ""),
        ("https://huggingface.co/acme/m.git", Source("huggingface", "acme/m"), ""),
        ("https://huggingface.co/acme/m/tree/main", Source("huggingface", "acme/m"), ""),
        ("https://huggingface.co/acme/m/tree/v2", Source("huggingface", "acme/m", "v2"), ""),
        (
            "https://huggingface.co/acme/m/blob/main/q/m-Q4_0.gguf",
            Source("huggingface", "acme/m", entry="q/m-Q4_0.gguf"),
            "",
        ),
        ("https://www.modelscope.cn/models/acme/m", Source("modelscope", "acme/m"), ""),
        ("https://modelscope.cn/models/acme/m/files", Source("modelscope", "acme/m"), ""),
        ("modelscope://acme/m", Source("modelscope", "acme/m"), ""),
        ("/models/mine/", Source("path", "/models/mine"), ""),
        ("file:///models/mine", Source("uri", "file:///models/mine"), ""),
        ("https://example.org/m.gguf", Source("uri", "https://example.org/m.gguf"), ""),
        ("s3://bucket/m/", Source("uri", "s3://bucket/m/"), ""),
    ],
)
def test_what_is_understood(text: str, source: Source, quantization: str) -> None:
    assert source_in(text) == (source, quantization)


def test_the_hub_of_a_bare_name() -> None:
    assert source_in("acme/m", "modelscope")[0] == Source("modelscope", "acme/m")
    with pytest.raises(InvalidValue) as error:
        source_in("acme/m", "elsewhere")
    assert error.value.param == "hub"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "qwen3",
        "a b/c",
        "../m",
        "a/b/c",
        "https://huggingface.co/acme",
        "ftp://x/y",
        "x" * 2000,
        "http://[x",
        "ms:x",
        "hf:owner/na me",
    ],
)
def test_what_is_not(text: str) -> None:
    with pytest.raises(InvalidValue) as error:
        source_in(text)
    assert error.value.param == "from"

"""One module a kind of hub; each loads its library when it is first used."""

from __future__ import annotations

from xplatform.core.config import Settings
from xplatform.files.listing import HubReader
from xplatform.files.source import Hub

__all__ = ["reader"]


def reader(hub: Hub, settings: Settings, uri: str = "") -> HubReader:
    """The reader for a source's hub. ``path`` has none: it is used where it lies."""
    if hub == "huggingface":
        from xplatform.files.hubs.huggingface import HuggingFace

        return HuggingFace(settings)
    if hub == "modelscope":
        from xplatform.files.hubs.modelscope import ModelScope

        return ModelScope(settings)
    if uri.lower().startswith("s3://"):
        from xplatform.files.hubs.s3 import S3

        return S3()
    from xplatform.files.hubs.uri import Uri

    return Uri()

"""What somebody pasted, as a source: a repository's name or page, a path, an address.

Nothing is asked here; whether it is there is for a node to say.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from xplatform.core.config import settings
from xplatform.core.errors import InvalidValue
from xplatform.files.source import Hub, Source

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]*"
#: owner/name, with a quantization or a revision behind it as other tools write them
_REPOSITORY: Final = re.compile(rf"^({_NAME}/{_NAME})(?::(?P<tag>[A-Za-z0-9._-]+))?$")
#: pages of a repository that show it at a revision: /tree/main, /blob/main/file, /resolve/main/file
_AT: Final = ("tree", "blob", "resolve", "raw", "file", "files")
_LONGEST: Final = 1_000


def source_in(text: str, hub: str = "") -> tuple[Source, str]:
    """(source, quantization, if one was named). ``hub``: of a bare owner/name. Raises InvalidValue
    naming ``from``."""
    text = text.strip().strip("\"'")
    if not text or len(text) > _LONGEST:
        raise _refused(text)
    if text.startswith("/"):
        return Source("path", text.rstrip("/") or "/"), ""
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:  # http://[x
        raise _refused(text) from None
    if text.startswith(("hf.co/", "huggingface.co/", "modelscope.cn/", "www.")):
        return source_in(f"https://{text}", hub)
    if parts.scheme in ("hf", "huggingface", "modelscope", "ms") and "://" in text:
        of = "huggingface" if parts.scheme in ("hf", "huggingface") else "modelscope"
        return source_in(text.split("://", 1)[1], of)
    if parts.scheme in ("http", "https") and host in _hosts("huggingface"):
        return _of_page("huggingface", parts.path, text)
    if parts.scheme in ("http", "https") and host in _hosts("modelscope"):
        return _of_page("modelscope", parts.path.removeprefix("/models"), text)
    if parts.scheme in ("http", "https", "s3", "file"):
        return Source("uri", text), ""
    found = _REPOSITORY.match(text)
    if found is None:
        raise _refused(text)
    return Source(_hub(hub or settings().model_hub), found[1]), found["tag"] or ""


def _of_page(hub: Hub, path: str, text: str) -> tuple[Source, str]:
    names = [unquote(name) for name in path.split("/") if name]
    found = _REPOSITORY.match("/".join(names[:2]).removesuffix(".git"))
    if len(names) < 2 or found is None:
        raise _refused(text)
    revision = entry = ""
    if len(names) > 3 and names[2] in _AT:
        revision = "" if names[3] in ("main", "master") else names[3]
        entry = "/".join(names[4:])
    if not entry.endswith(".gguf"):
        entry = ""
    return Source(hub, found[1], revision=revision, entry=entry), found["tag"] or ""


def _hosts(hub: str) -> set[str]:
    own = settings()
    mirror = own.hf_endpoint if hub == "huggingface" else own.modelscope_endpoint
    known = {"huggingface.co", "hf.co"} if hub == "huggingface" else {"modelscope.cn"}
    host = urlsplit(mirror).hostname if mirror else None
    return known | ({host.removeprefix("www.")} if host else set())


def _hub(name: str) -> Hub:
    if name == "huggingface" or name == "modelscope":
        return name  # type: ignore[return-value]
    raise InvalidValue(f"`hub` {name[:50]!r} is neither huggingface nor modelscope.", param="hub")


def _refused(text: str) -> InvalidValue:
    return InvalidValue(
        f"{text[:100]!r} is no repository (owner/name, or its page), no absolute path and no "
        "address (https, s3, file).",
        param="from",
    )

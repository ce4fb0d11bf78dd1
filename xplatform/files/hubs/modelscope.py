"""ModelScope through its own client; the bytes by ranged reads of our own, so that they can be
paused and ended at once (the library goes on for 30 s)."""

from __future__ import annotations

import logging
import os
from typing import Any

from xplatform.core.config import Settings
from xplatform.core.errors import (
    HubUnavailable,
    InvalidValue,
    PlatformError,
    SourceForbidden,
    SourceNotFound,
)
from xplatform.files import hub_tokens
from xplatform.files.listing import (
    Place,
    Refusal,
    RemoteFile,
    Snapshot,
    is_inside,
    snapshot_digest,
)
from xplatform.files.source import Source

#: the name of the main branch there
_MAIN = "master"
_SETTING = "'modelscope_token' in config.toml (or XPLATFORM_MODELSCOPE_TOKEN or"
_SETTING += " MODELSCOPE_API_TOKEN) on the node"


class ModelScope:
    name = "ModelScope"

    def __init__(self, settings: Settings) -> None:
        # Attempts are ours, so that they can be ended.
        os.environ.setdefault("MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS", "1")
        from modelscope_hub import HubApi

        # It says at level INFO what we say ourselves, on a handler of its own.
        logging.getLogger("modelscope_hub").setLevel(logging.WARNING)
        endpoint = settings.modelscope_endpoint or os.environ.get("MODELSCOPE_ENDPOINT") or None
        self._api = HubApi(
            endpoint=endpoint,
            token=settings.modelscope_token or hub_tokens.told("modelscope") or None,
        )
        self._legacy = self._api.legacy
        self._endpoint: str = self._legacy.endpoint
        self._token: str = self._legacy.token or ""

    def snapshot(self, source: Source) -> Snapshot:
        from modelscope_hub import errors

        if source.id.count("/") != 1:
            raise InvalidValue(
                f"'{source.id}' is no name of a repository: it is 'owner/name'.", param="source"
            )
        revision = source.revision or _MAIN
        try:
            listed = self._api.list_repo_files(source.id, "model", revision=revision)
        except errors.APIError as error:
            raise self._failed(source, error) from None
        except (errors.HubError, OSError) as error:
            raise HubUnavailable(
                f"{self._endpoint} cannot be reached ({type(error).__name__})."
                " XPLATFORM_MODELSCOPE_ENDPOINT names another; files that are there already can be"
                " launched by their path.",
                data={"endpoint": self._endpoint},
            ) from None
        files = tuple(
            _file(found) for found in listed if not found.is_dir and is_inside(found.path)
        )
        # There is no id of the whole: the content makes one, the revision says where to read.
        commit = snapshot_digest(files)
        return Snapshot("modelscope", source.id, commit, files, read_at=revision)

    def place(self, snapshot: Snapshot, file: RemoteFile) -> Place:
        revision = snapshot.read_at or _MAIN
        url = self._legacy.get_download_url(snapshot.id, "model", file.path, revision)
        if not self._token:
            return Place(url)
        cookie = f"m_session_id={self._token}"
        return Place(url, {"Authorization": f"Bearer {self._token}", "Cookie": cookie})

    def refusal(self, snapshot: Snapshot, file: RemoteFile, answer: Refusal) -> PlatformError:
        if answer.status in (401, 403):
            return self._forbidden(snapshot.id, answer.status)
        if answer.status == 404:
            return SourceNotFound(
                f"'{snapshot.id}' ({self.name}) has no file '{file.path}' any more.", param="source"
            )
        return HubUnavailable(
            f"{self._endpoint} answered {answer.status} to reading '{file.path}' of"
            f" '{snapshot.id}'."
        )

    def _failed(self, source: Source, error: Any) -> PlatformError:
        status: int = error.status_code or 0
        if status in (401, 403):
            return self._forbidden(source.id, status)
        if status == 404:
            what = f"repository '{source.id}'"
            if source.revision:
                what += f", or it has no revision '{source.revision}',"
            hint = "" if self._token else f" If it is private, set a token as {_SETTING}."
            return SourceNotFound(
                f"There is no {what} at {self._endpoint} ({self.name}).{hint}", param="source"
            )
        said = f"{self._endpoint} answered {status} when asked for '{source.id}'."
        if status in (408, 425, 429) or status >= 500:
            return HubUnavailable(said)
        return SourceNotFound(f"{said[:-1]}: {error.message}", param="source")

    def _forbidden(self, repository: str, status: int) -> SourceForbidden:
        page = f"{self._endpoint}/models/{repository}"
        if self._token:
            cure = f"The node's token is refused: ask for access at {page} with its account."
        else:
            cure = (
                f"Ask for access at {page}, take your token from"
                f" {self._endpoint}/my/myaccesstoken, and set it as {_SETTING}."
            )
        return SourceForbidden(
            f"'{repository}' ({self.name}) is private or gated (answer {status}). {cure}",
            param="source",
            data={"repository": repository, "page": page},
        )


def _file(found: Any) -> RemoteFile:
    return RemoteFile(path=found.path, size=found.size, sha256=(found.sha256 or "").lower())

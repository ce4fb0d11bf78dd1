"""Hugging Face and its mirrors: what a repository holds through huggingface_hub, the bytes by
ranged reads of our own (the library does not resume what another process began)."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from xplatform.core.config import Settings
from xplatform.core.errors import (
    HubUnavailable,
    InvalidValue,
    PlatformError,
    SourceForbidden,
    SourceNotFound,
)
from xplatform.files import hub_tokens
from xplatform.files.listing import Place, Refusal, RemoteFile, Snapshot, is_inside
from xplatform.files.source import Source

#: seconds for what the hub lists
_TIMEOUT = 20.0


class HuggingFace:
    name = "Hugging Face"

    def __init__(self, settings: Settings) -> None:
        # Its own transfer of large files is of no use here, and loads a large library.
        os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        import huggingface_hub

        endpoint = settings.hf_endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        self._endpoint = endpoint.rstrip("/")
        self._token = (
            settings.hf_token or hub_tokens.told("huggingface") or huggingface_hub.get_token() or ""
        )
        # False, else the library looks for a token by itself.
        self._api = huggingface_hub.HfApi(
            endpoint=self._endpoint, token=self._token or False, library_name="xplatform"
        )

    def snapshot(self, source: Source) -> Snapshot:
        import httpx2
        from huggingface_hub import errors

        try:
            info = self._api.model_info(
                source.id, revision=source.revision or None, files_metadata=True, timeout=_TIMEOUT
            )
        except errors.HFValidationError as error:
            raise InvalidValue(
                f"'{source.id}' is no name of a repository: {error}", param="source"
            ) from None
        except errors.RevisionNotFoundError:
            raise SourceNotFound(
                f"'{source.id}' ({self.name}) has no revision '{source.revision}'.", param="source"
            ) from None
        except errors.GatedRepoError as error:
            raise self._gated(source.id, error.response.status_code) from None
        except errors.RepositoryNotFoundError as error:
            raise self._no_repository(source.id, error.response.status_code) from None
        except errors.DisabledRepoError:
            raise SourceNotFound(
                f"{self._endpoint} has switched off the repository '{source.id}'.", param="source"
            ) from None
        except errors.HfHubHTTPError as error:
            raise self._failed(source.id, error) from None
        except (httpx2.HTTPError, OSError) as error:
            raise HubUnavailable(
                f"{self._endpoint} cannot be reached ({type(error).__name__})."
                " XPLATFORM_HF_ENDPOINT names another; files that are there already can be"
                " launched by their path.",
                data={"endpoint": self._endpoint},
            ) from None
        files = tuple(_file(found) for found in info.siblings or () if is_inside(found.rfilename))
        if not info.sha:
            raise HubUnavailable(f"{self._endpoint} did not tell the commit of '{source.id}'.")
        return Snapshot("huggingface", source.id, info.sha, files)

    def place(self, snapshot: Snapshot, file: RemoteFile) -> Place:
        url = f"{self._endpoint}/{snapshot.id}/resolve/{snapshot.commit}/{quote(file.path)}"
        return Place(url, {"Authorization": f"Bearer {self._token}"} if self._token else {})

    def refusal(self, snapshot: Snapshot, file: RemoteFile, answer: Refusal) -> PlatformError:
        code = {k.lower(): v for k, v in answer.headers.items()}.get("x-error-code", "")
        if code == "GatedRepo" or answer.status in (401, 403):
            return self._gated(snapshot.id, answer.status)
        if code == "RepoNotFound":
            return self._no_repository(snapshot.id, answer.status)
        if answer.status == 404:
            return SourceNotFound(
                f"'{snapshot.id}' ({self.name}) has no file '{file.path}' at {snapshot.commit}.",
                param="source",
            )
        return HubUnavailable(
            f"{self._endpoint} answered {answer.status} to reading '{file.path}' of"
            f" '{snapshot.id}'."
        )

    def _failed(self, repository: str, error: Any) -> PlatformError:
        status: int = error.response.status_code
        if status in (401, 403):
            return self._gated(repository, status)
        said = f"{self._endpoint} answered {status} when asked for '{repository}'."
        if status in (408, 425, 429) or status >= 500:
            after = str(error.response.headers.get("Retry-After", ""))
            return HubUnavailable(said, retry_after=float(after) if after.isdigit() else None)
        return SourceNotFound(said, param="source")

    def _gated(self, repository: str, status: int) -> SourceForbidden:
        page = f"{self._endpoint}/{repository}"
        if not self._token:
            cure = (
                f"Ask for access at {page}, make a token that may read at"
                f" {self._endpoint}/settings/tokens, and set it as 'hf_token' in config.toml (or"
                " XPLATFORM_HF_TOKEN or HF_TOKEN) on the node."
            )
        else:
            cure = (
                f"The node's token is refused: ask for access at {page} with the token's account,"
                f" and see at {self._endpoint}/settings/tokens that it may read gated repositories."
            )
        return SourceForbidden(
            f"'{repository}' ({self.name}) is gated or private (answer {status}). {cure}",
            param="source",
            data={"repository": repository, "page": page},
        )

    def _no_repository(self, repository: str, status: int) -> PlatformError:
        if status == 403:
            return self._gated(repository, status)
        hint = (
            " If it is private, see that the node's token may read it."
            if self._token
            else " If it is private, set a token that may read it as 'hf_token' (or"
            " XPLATFORM_HF_TOKEN or HF_TOKEN) on the node."
        )
        return SourceNotFound(
            f"There is no repository '{repository}' at {self._endpoint} ({self.name}).{hint}",
            param="source",
        )


def _file(found: Any) -> RemoteFile:
    lfs = found.lfs
    return RemoteFile(
        path=found.rfilename,
        size=found.size,
        sha256=lfs.sha256 if lfs is not None else "",
        blob=(found.blob_id or "") if lfs is None else "",
    )

"""``s3://bucket/key`` (one file) and ``s3://bucket/folder/`` (all below it), on Amazon's S3 and
what speaks like it: ``AWS_ENDPOINT_URL`` names another server, credentials are found as every
program of AWS finds them. Needs boto3, which is large: ``pip install "xplatform[s3]"``.

Bytes are read at addresses signed for each attempt, by the same ranged reads as everything else.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from xplatform.core.errors import (
    HubUnavailable,
    InvalidValue,
    PlatformError,
    SourceForbidden,
    SourceNotFound,
    Unsupported,
)
from xplatform.files.listing import (
    Place,
    Refusal,
    RemoteFile,
    Snapshot,
    is_inside,
    snapshot_digest,
)
from xplatform.files.source import Source

#: seconds that a signed address holds: an attempt begins at once, and may then last
_SIGNED_FOR = 3600


class S3:
    name = "S3"

    def __init__(self) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise Unsupported(
                "source",
                "",
                's3:// needs boto3 on the node: pip install "xplatform[s3]".',
            ) from None
        own = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        config = Config(
            # A server of one's own seldom has a host's name for each bucket.
            s3={"addressing_style": "path" if own else "auto"},
            connect_timeout=10,
            read_timeout=20,
            retries={"total_max_attempts": 1},
            signature_version="s3v4",
        )
        session = boto3.Session()
        region = session.region_name or "us-east-1"
        self._client: Any = session.client("s3", config=config, region_name=region)

    def snapshot(self, source: Source) -> Snapshot:
        bucket, key = _split(source.id)
        single = bool(key) and not key.endswith("/")
        if single:
            head = self._ask("head_object", source, Bucket=bucket, Key=key)
            files: tuple[RemoteFile, ...] = (
                RemoteFile(PurePosixPath(key).name, head["ContentLength"], etag=head["ETag"]),
            )
        else:
            files = tuple(self._list(source, bucket, key))
            if not files:
                raise SourceNotFound(f"There is nothing at '{source.id}' ({self.name}).")
        commit = snapshot_digest(files, source.id)
        return Snapshot("uri", source.id, commit, files, single=single)

    def _list(self, source: Source, bucket: str, prefix: str) -> list[RemoteFile]:
        files: list[RemoteFile] = []
        more: dict[str, str] = {}
        while True:
            page = self._ask("list_objects_v2", source, Bucket=bucket, Prefix=prefix, **more)
            for found in page.get("Contents", ()):
                path = found["Key"][len(prefix) :]
                if path and not path.endswith("/") and is_inside(path):
                    files.append(RemoteFile(path, found["Size"], etag=found["ETag"]))
            if not page.get("IsTruncated"):
                return files
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def place(self, snapshot: Snapshot, file: RemoteFile) -> Place:
        bucket, key = _split(snapshot.id)
        if not snapshot.single:
            key += file.path
        url = self._client.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_SIGNED_FOR
        )
        return Place(url)

    def refusal(self, snapshot: Snapshot, file: RemoteFile, answer: Refusal) -> PlatformError:
        return _refusal(snapshot.id, answer.status, "")

    def _ask(self, what: str, source: Source, **given: Any) -> Any:
        from botocore import exceptions

        try:
            return getattr(self._client, what)(**given)
        except exceptions.NoCredentialsError:
            raise SourceForbidden(
                f"'{source.id}' needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                " (or a profile in ~/.aws) on the node.",
                param="source",
            ) from None
        except exceptions.ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            code = error.response.get("Error", {}).get("Code", "")
            raise _refusal(source.id, status, code) from None
        except (exceptions.BotoCoreError, OSError) as error:
            raise HubUnavailable(
                f"The server of '{source.id}' cannot be reached ({type(error).__name__})."
            ) from None


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    if not parts.netloc:
        raise InvalidValue(f"'{uri}' names no bucket: s3://bucket/key.", param="source")
    return parts.netloc, unquote(parts.path.lstrip("/"))


def _refusal(uri: str, status: int, code: str) -> PlatformError:
    said = f"'{uri}' cannot be read: S3 answered {status}{f' ({code})' if code else ''}."
    if status in (401, 403):
        return SourceForbidden(
            f"{said} The node's credentials (AWS_ACCESS_KEY_ID or ~/.aws) may not read it, or it"
            " does not exist.",
            param="source",
        )
    if status == 404:
        return SourceNotFound(said, param="source")
    return HubUnavailable(said)

"""What the audit is told of launches: by name what was asked for, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.audit import api as audit
from apps.models.models import Launch, Registration

_OF_MODEL: Final = (
    "kind", "family", "family_version", "size", "format", "quantization", "model_path", "source",
    "engine", "slots", "context_length", "options", "environment", "packages", "adapters",
    "trust_remote_code", "shared",
)  # fmt: skip
_OF_LAUNCH: Final = (
    "min_replicas", "max_replicas", "idle_seconds", "pinned", "prewarm", "placement",
    "launch_anyway",
)  # fmt: skip


def note(
    launch: Launch,
    by: str,
    action: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    why: str = "",
) -> None:
    """In the transaction that holds the launch's row."""
    model = launch.model
    audit.record(by, f"launch.{action}", "launch", model.uid, model.project, before, after, why=why)


def asked_for(launch: Launch) -> dict[str, Any]:
    """What somebody wished, without what was left out."""
    found = {name: getattr(launch.model, name) for name in _OF_MODEL}
    found |= {name: getattr(launch, name) for name in _OF_LAUNCH}
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def note_registration(row: Registration, by: str, action: str, **values: Any) -> None:
    name = f"{row.kind}/{row.name}"
    audit.record(by, f"registration.{action}", "registration", name, row.project, **values)

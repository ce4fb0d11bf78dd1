"""All routes stand in the OpenAPI document, without a warning of its maker."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command


def test_the_document_is_made_without_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "openapi.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file))
    assert capsys.readouterr().err == ""
    text = file.read_text()
    for route in (
        "/v1/models:", "/v1/models/{model_uid}/replicas:", "/v1/model_registrations/{model_type}:",
        "/v1/cache/models:", "/v1/clusters:", "/token:",
        "/v1/models/recommend:", "/v1/model_favorites:", "/v1/cluster/logs:",
        "/v1/launch_history/{model_name}/{model_uid}:",
    ):  # fmt: skip
        assert f"  {route}\n" in text, route
    # One path, two tiers: the gateway reads, Django launches.
    models = text.split("  /v1/models:\n")[1].split("\n  /")[0]
    assert "    get:" in models
    assert "    post:" in models

"""docs/catalogue.md says all that the schema has, and its example is one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from apps.models.catalogue.checks import family_from_json
from apps.models.catalogue.schema import Companion, Family, Repository, Shape, Spec

TEXT = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text()


@pytest.mark.parametrize("form", [Family, Spec, Repository, Shape, Companion])
def test_each_field_has_a_row(form: type) -> None:
    rows = "\n".join(line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"`(\w+)`", rows))
    assert set(form.__struct_fields__) <= named  # type: ignore[attr-defined]


def test_the_example_is_a_family() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert family_from_json(json.loads(example)).name == "my-writer"

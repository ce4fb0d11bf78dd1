"""What the server says by a code, the console can say in each of its languages."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xplatform.core.errors import BY_CODE, Conflict, ModelNotFound, error_object
from xplatform.engines.reason import Reason

ROOT = Path(__file__).parents[2]
LOCALES = sorted((ROOT / "frontend/src/i18n/locales").glob("*.json"))


def reasons_in_source() -> dict[str, set[str]]:
    """Code → names of its values, of all that any module makes."""
    found: dict[str, set[str]] = {}
    for path in [*ROOT.glob("xplatform/**/*.py"), *ROOT.glob("apps/**/*.py")]:
        text = path.read_text("utf-8")
        if "Reason(" not in text:
            continue
        for call in _calls(ast.parse(text)):
            where = f"{path.relative_to(ROOT)}:{call.lineno}"
            code = call.args[0] if call.args else None
            assert isinstance(code, ast.Constant), f"{where}: the code has to be a plain text"
            names = {str(keyword.arg) for keyword in call.keywords}
            assert found.setdefault(code.value, names) == names, (
                f"{where}: other values than before"
            )
    return found


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Reason":
            yield node


def texts(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def stems(keys: dict[str, str]) -> dict[str, str]:
    """Without the endings of plural forms."""
    return {re.sub(r"_(zero|one|two|few|many|other)$", "", key): text for key, text in keys.items()}


@pytest.mark.parametrize("path", LOCALES, ids=lambda path: path.stem)
def test_each_language_has_each_error(path):
    assert set(texts(path)["errors"]) == set(BY_CODE)


@pytest.mark.parametrize("path", LOCALES, ids=lambda path: path.stem)
def test_each_language_has_each_reason_and_asks_for_no_value_that_is_not_told(path):
    made, said = reasons_in_source(), stems(texts(path)["reasons"])
    assert set(said) == set(made)
    asked: defaultdict[str, set[str]] = defaultdict(set)
    for code, text in said.items():
        asked[code] = set(re.findall(r"{{\s*(\w+)", text))
    assert {code: names - made[code] for code, names in asked.items() if names - made[code]} == {}


def test_a_reason_is_told_beside_the_message():
    error = Conflict(Reason("taken", "The name 'x' is taken.", name="x", close=("y", "z")))
    assert error.message == str(error) == "The name 'x' is taken."
    assert error_object(error)["reason"] == {
        "code": "taken",
        "params": {"name": "x", "close": ["y", "z"]},
    }
    assert "reason" not in error_object(Conflict("taken"))


def test_a_reason_follows_what_was_asked_for():
    assert error_object(ModelNotFound("qwen"))["reason"]["code"] == "no_such_model"
    close = error_object(ModelNotFound("qwen", ["qwen3"]))["reason"]
    assert close == {"code": "no_such_model_but", "params": {"name": "qwen", "close": ["qwen3"]}}

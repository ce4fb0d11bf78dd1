"""Nothing secret gets in, whatever it stands in and however deep."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.audit import redaction

SECRET_NAMES = [
    "password", "new_password", "api_key", "apiKey", "key", "token", "hf_token", "HF_TOKEN",
    "accessToken", "client_secret", "secret", "Authorization", "cookie", "private_key", "otp",
    "code", "recovery_codes", "passphrase", "digest", "keys", "tokens", "credentials",
]  # fmt: skip
HARMLESS = {
    "max_tokens": 100, "tokens_per_minute": 1000, "key_id": "k1", "token_name": "ci",
    "key_prefix": "xp-abc…", "context_length": 4096, "name": "n", "tokens": 12, "prompt": "p",
}  # fmt: skip

#: longer than anything else that is made here
secrets = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=20, max_size=40)
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10))


@st.composite
def bodies(draw: Any) -> tuple[dict[str, Any], str]:
    """A secret under a name of its kind, somewhere in a body."""
    secret = draw(secrets)
    value: Any = draw(
        st.sampled_from([secret, [secret], {"x": secret}, [{"deep": [secret]}], {secret}])
    )
    body: Any = {draw(st.sampled_from(SECRET_NAMES)): value}
    for _ in range(draw(st.integers(0, 4))):
        match draw(st.integers(0, 3)):
            case 0:
                body = {draw(st.sampled_from(["a", "options", "body", "data"])): body}
            case 1:
                body = {"list": [draw(plain), body]}
            case 2:
                body = {"tuple": (body,)}
            case _:
                body = {draw(st.text(max_size=5)) or "q": draw(plain), "inner": body}
    return body, secret


@settings(max_examples=400, deadline=None)
@given(bodies())
def test_by_name(found: tuple[dict[str, Any], str]) -> None:
    body, secret = found
    text = redaction.as_json(body)
    json.loads(text)
    assert secret not in text


@pytest.mark.parametrize("name", ["environment", "env", "envs", "headers"])
def test_all_variables(name: str) -> None:
    text = redaction.as_json({name: {"ANYTHING": "s3cr3t", "N": 4711}})
    assert "s3cr3t" not in text and "4711" not in text and "ANYTHING" in text
    listed = redaction.as_json({name: [{"name": "ANYTHING", "value": "s3cr3t"}]})
    assert "s3cr3t" not in listed


def test_named_values() -> None:
    text = redaction.as_json({"variables": [{"name": "API_KEY", "value": "s3cr3t"}]})
    assert "s3cr3t" not in text


@pytest.mark.parametrize(
    "text",
    [
        "xp-0123456789abcdefghijklmnopqrstuv", "hf_abcdefghijklmnopqrstuvwxyz",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "sk-abcdefghijklmnopqrstuvw",
        "postgres://user:pa55word@host/db", "Bearer abcdef0123456789",
        "xp-join-0123456789abcdefghijklmn",
    ],
)  # fmt: skip
def test_by_looks(text: str) -> None:
    for shown in (
        redaction.text(f"it said {text} and went"),
        redaction.as_json({"prompt": f"({text})"}),
        redaction.as_json({text: 1}),
    ):
        for part in ("0123456789abc", "bcdefghijkl", "eyJhbGci", "pa55word"):
            assert part not in shown


def test_what_is_no_secret_stays() -> None:
    assert json.loads(redaction.as_json(HARMLESS)) == HARMLESS


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=10), st.recursive(plain, st.lists, max_leaves=10)))
def test_anything_can_be_stored(body: dict[str, Any]) -> None:
    text = redaction.as_json(body)
    assert "\0" not in text
    text.encode()
    json.loads(text)

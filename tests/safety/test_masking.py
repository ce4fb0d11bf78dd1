"""What looks like a secret is not written to a log, however it is quoted."""

from __future__ import annotations

import json
import logging

import pytest

from xplatform.core import logs

SECRETS = {
    "key": "xp-AbCdEf0123456789_-AbCdEf",
    "join token": "xp-join-AbCdEf0123456789",
    "login token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "Hugging Face": "hf_AbCdEfGhIjKlMnOpQrStUv",
    "OpenAI": "sk-proj-AbCdEfGhIjKlMnOpQr",
    "GitHub": "ghp_AbCdEfGhIjKlMnOpQrStUv",
    "AWS": "AKIAABCDEFGHIJKLMNOP",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=list(SECRETS))
@pytest.mark.parametrize(
    "text", ["{}", "a {} b", "'{}'", '{{"x": "{}"}}', "url?x={}&y=1", "Bearer {}", "({},)"]
)
def test_by_its_looks(secret: str, text: str) -> None:
    masked = logs.mask(text.format(secret))
    assert secret not in masked
    assert secret[-8:] not in masked
    assert "…" in masked


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter22", "password: hunter22", "{'password': 'hunter22 and more'}",
        '{"api_key":"hunter22"}', '{\\"token\\": \\"hunter22\\"}', "hf_token='hunter22'",
        "X-Amz-Signature=hunter22&x=1", "client_secret=hunter22", "redis://:hunter22@host:1/0",
        "postgres://me:hunter22@host/db", "Authorization: Basic aHVudGVyMjI=hunter22",
        "xplatform_session=hunter22; path=/",
    ],
)  # fmt: skip
def test_by_its_name(text: str) -> None:
    assert "hunter22" not in logs.mask(text)


@pytest.mark.parametrize(
    "text",
    ["max_tokens=16", "GET /token 200", "the token is unknown", "prompt_tokens: 12", "secret: a b",
     "tokens: 123456", "Basic steps", "sk-learn", "hf_hub"],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert logs.mask(text) == text


def test_a_line_of_json_stays_one() -> None:
    record = logging.makeLogRecord({"msg": 'sent {"password": "hunter22", "a": 1}', "extra": "x"})
    line = logs.JsonFormatter("web").format(record)
    assert "hunter22" not in line
    assert json.loads(line)["message"] == 'sent {"password": "…", "a": 1}'


def test_a_long_line_of_almost_secrets_costs_little() -> None:
    """Quadratic work would not end within the test's time."""
    for text in ("a-" * 200_000, "xp-" * 200_000, 'password="' * 50_000, "eyJ." * 100_000):
        logs.mask(text)

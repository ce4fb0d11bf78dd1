"""Secrets at rest: what is stored opens nothing by itself, and keys rotate under it."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from xplatform.core import config, vault
from xplatform.core.config import ConfigError, Settings
from xplatform.core.errors import SecretUnreadable
from xplatform.core.keyring import Keyring


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = Settings(home=str(tmp_path))
    monkeypatch.setattr(vault, "settings", lambda: made)
    vault._ring.cache_clear()
    yield tmp_path
    vault._ring.cache_clear()


def test_what_is_sealed_opens_and_shows_nothing(home: Path) -> None:
    sealed = vault.seal("hf_Sécret")
    assert vault.open(sealed) == "hf_Sécret"
    assert "cret" not in sealed
    assert vault.seal("hf_Sécret") != sealed


def test_its_file_is_the_owners(home: Path) -> None:
    vault.seal("x")
    assert stat.S_IMODE((home / "secrets" / "vault").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "secrets").stat().st_mode) == 0o700


def test_a_tampered_text_does_not_open(home: Path) -> None:
    sealed = vault.seal("secret text")
    for damaged in (sealed[:-3] + "AAA", sealed[:20], "", "plain", sealed.partition(":")[2]):
        with pytest.raises(SecretUnreadable) as caught:
            vault.open(damaged)
        assert "secret text" not in caught.value.message


def test_after_a_rotation_old_texts_open_and_new_ones_have_the_new_key(home: Path) -> None:
    old = vault.seal("old")
    new_id = vault.rotate()
    new = vault.seal("new")
    assert vault.key_of(new) == new_id == vault.current_key() != vault.key_of(old)
    assert (vault.open(old), vault.open(new)) == ("old", "new")
    assert vault.replaced_since(vault.key_of(old)) < vault.replaced_since(new_id)


def test_a_ring_that_was_never_used_rotates(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "secrets" / "new", vault._new_key)
    ring.rotate()
    assert len(ring.values()) == 2


def test_a_forgotten_key_opens_nothing_and_the_error_says_what_to_do(home: Path) -> None:
    old = vault.seal("old")
    vault.rotate()
    vault.forget({vault.key_of(old), vault.current_key()})
    assert len(vault.key_ids()) == 1  # the one in use stays, whatever is asked
    with pytest.raises(SecretUnreadable, match="XPLATFORM_VAULT_KEYS"):
        vault.open(old)


def test_a_process_hears_of_a_rotation_in_another(home: Path) -> None:
    vault.seal("x")
    elsewhere = Keyring(home / "secrets" / "vault", vault._new_key)
    elsewhere.rotate()
    assert vault.current_key() == vault._id(elsewhere.values()[0])


def test_processes_that_make_the_file_at_once_share_one_key(tmp_path: Path) -> None:
    found: list[tuple[str, ...]] = []

    def look() -> None:
        found.append(Keyring(tmp_path / "secrets" / "vault", vault._new_key).values())

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_keys_of_the_settings_replace_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()

    def use(keys: str) -> None:
        made = Settings(home=str(tmp_path), vault_keys=keys)
        monkeypatch.setattr(vault, "settings", lambda: made)

    use(old)
    sealed = vault.seal("shared")
    use(f"{new}, {old}")
    assert vault.open(sealed) == "shared"
    assert vault.key_of(vault.seal("x")) != vault.key_of(sealed)
    assert not (tmp_path / "secrets").exists()
    with pytest.raises(ConfigError, match="--no-new-key"):
        vault.rotate()
    use("too-short")
    with pytest.raises(ConfigError, match="key 1 is not 32 random bytes"):
        vault.seal("x")


def test_vault_keys_are_a_secret_setting() -> None:
    assert "vault_keys" in config.SECRET_SETTINGS

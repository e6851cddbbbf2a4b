import hmac
import os

import pytest

from salus.errors import WallError
from salus.privacy import keys
from salus.privacy.keys import Key


def test_a_surrogate_is_hmac_sha256_under_a_key_for_its_use():
    key = Key(b"k" * 31 + b"x")
    digest = hmac.new(hmac.new(key.secret, b"salus person 1", "sha256").digest(), b"id-1", "sha256").digest()
    assert key.surrogate("person", "id-1") == int.from_bytes(digest[:8], "big") - 2**63
    assert key.surrogate("person", "id-1") != key.surrogate("encounter", "id-1")


def test_the_key_does_not_show():
    key = Key(b"\xab" * 32)
    assert "abab" not in repr(key)
    assert "abab" not in str(key)
    assert "abab" not in f"{[key]}"
    assert key.secret.hex() not in key.commitment(b"")


def test_a_key_file_is_made_for_its_owner_only_and_never_replaced(tmp_path):
    path = keys.create(tmp_path / "office.key")
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text()
    assert keys.load(path) == Key(bytes.fromhex(before))
    with pytest.raises(WallError, match="never replaced"):
        keys.create(path)
    assert path.read_text() == before


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = keys.create(tmp_path / "office.key")
    os.chmod(path, 0o640)
    with pytest.raises(WallError, match="can be read by others"):
        keys.load(path)


@pytest.mark.parametrize("content", ["", "secret", "00" * 32, "ab" * 16, "zz" * 32])
def test_what_is_no_key_is_refused_without_being_shown(tmp_path, content):
    path = tmp_path / "office.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(WallError, match="holds no key") as raised:
        keys.load(path)
    assert not content or content not in str(raised.value)


def test_a_lost_key_is_told_from_no_key(tmp_path, monkeypatch):
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    with pytest.raises(WallError, match="there is no key file"):
        keys.load(tmp_path / "gone.key")
    with pytest.raises(WallError, match="neither a key file nor SALUS_KEY"):
        keys.load()
    monkeypatch.setenv(keys.VARIABLE, bytes(range(32)).hex())
    assert keys.load() == Key(bytes(range(32)))

"""Who signed a release: one key pair a department, its public half for everybody."""

import subprocess

import pytest

from salus.errors import InputError, WallError
from salus.privacy import keys, signatures
from salus.privacy.keys import Key

ONE, OTHER = Key(bytes(range(32))), Key(bytes(range(1, 33)))


def test_a_signature_holds_for_its_content_and_key_only():
    signed = signatures.sign(ONE, b"content")
    public = signatures.public_key(ONE)
    assert signatures.holds(public, signed, b"content")
    assert not signatures.holds(public, signed, b"content.")
    assert not signatures.holds(signatures.public_key(OTHER), signed, b"content")
    assert not signatures.holds(public, signed.upper(), b"content"), "one signature, one spelling"
    assert not signatures.holds(public, "", b"content")
    assert not signatures.holds("zz" * 32, signed, b"content")


def test_the_public_key_says_nothing_of_the_secret_one():
    assert ONE.secret.hex() not in signatures.public_pem(ONE)
    assert ONE.derived("signature").hex() not in signatures.public_pem(ONE)


def test_the_public_key_is_a_file_that_openssl_reads(tmp_path):
    path = signatures.write_public(ONE, tmp_path / "office.key.pub")
    assert signatures.load_public(path) == signatures.public_key(ONE)
    (tmp_path / "content").write_bytes(b"content")
    (tmp_path / "signature").write_bytes(bytes.fromhex(signatures.sign(ONE, b"content")))
    command = f"openssl pkeyutl -verify -pubin -inkey {path.name} -rawin -in content -sigfile signature"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout
    with pytest.raises(WallError, match="never replaced"):
        signatures.write_public(OTHER, path)


@pytest.mark.parametrize("content", ["", "hello", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_public_key_is_said(tmp_path, content):
    (tmp_path / "office.pub").write_text(content)
    with pytest.raises(InputError, match="holds no Ed25519 public key"):
        signatures.load_public(tmp_path / "office.pub")


def test_a_secret_key_given_for_the_public_one_is_told_and_not_shown(tmp_path):
    path = keys.create(tmp_path / "office.key")
    with pytest.raises(InputError, match="holds no Ed25519 public key") as raised:
        signatures.load_public(path)
    assert path.read_text().strip() not in str(raised.value)
    with pytest.raises(InputError, match="there is no public key file"):
        signatures.load_public(tmp_path / "gone.pub")

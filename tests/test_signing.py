"""Signed classifiers: only the exact file that a trusted key signed is used."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import leukotype as lt
from classifier_cases import fresh, trained
from leukotype import cli, signing
from leukotype.errors import MissingPackage, UnreadableFile, UntrustedFile
from run_cases import write_tiny_csv

serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
QUICK = ("--outer", 3, "--inner", 2, "--repeats", 1, "--jobs", 1, "--no-cache")


def write_keys(folder: Path, name: str, passphrase: bytes | None = None) -> tuple[Path, Path]:
    """Write a private and a public key; return their files."""
    folder.mkdir(exist_ok=True)
    key = ed25519.Ed25519PrivateKey.generate()
    hidden = (
        serialization.NoEncryption()
        if passphrase is None
        else serialization.BestAvailableEncryption(passphrase)
    )
    private, public = folder / f"{name}-private.pem", folder / f"{name}.pub"
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, hidden))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    return private, public


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder with the keys ours and theirs, and a classifier that ours signed."""
    for name in ("ours", "theirs"):
        write_keys(tmp_path, name)
    trained("centroids").save(tmp_path / "a.leuko", sign=tmp_path / "ours-private.pem")
    return tmp_path


def refused(path: Path, keys: Path) -> str:
    with pytest.raises(UntrustedFile) as raised:
        lt.load_classifier(path, trusted=keys)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_signed_file_is_accepted_with_its_key_alone(lab: Path) -> None:
    keys = lab / "keys"
    keys.mkdir()
    shutil.copy(lab / "theirs.pub", keys)
    assert "not in" in refused(lab / "a.leuko", keys)
    shutil.copy(lab / "ours.pub", keys / "ours.pem")
    (keys / "readme.txt").write_text("not a key")
    both = lab / "both.pem"
    both.write_bytes((lab / "theirs.pub").read_bytes() + (lab / "ours.pub").read_bytes())
    batch = fresh()
    usual = lt.load_classifier(lab / "a.leuko")
    for trusted in (keys, both, lab / "ours.pub", str(lab / "ours.pub")):
        one = lt.load_classifier(lab / "a.leuko", trusted=trusted)
        assert one.signed_by == signing.SigningKey(lab / "ours-private.pem").fingerprint
        assert one.predict(batch).to_csv() == usual.predict(batch).to_csv()
    assert usual.signed_by == ""


def test_signing_leaves_the_bytes_of_the_file(lab: Path) -> None:
    trained("centroids").save(lab / "b.leuko")
    assert (lab / "b.leuko").read_bytes() == (lab / "a.leuko").read_bytes()
    assert not (lab / "b.leuko.sig").exists()
    shutil.copy(lab / "a.leuko.sig", lab / "b.leuko.sig")
    # Ed25519 has no random part: the same file and key give the same signature.
    trained("centroids").save(lab / "b.leuko", sign=lab / "ours-private.pem")
    assert (lab / "b.leuko.sig").read_bytes() == (lab / "a.leuko.sig").read_bytes()
    trained("centroids").save(lab / "b.leuko")
    assert not (lab / "b.leuko.sig").exists(), "a signature must not outlive its file"
    assert signing.sign_file(lab / "b.leuko", lab / "ours-private.pem") == lab / "b.leuko.sig"
    assert (lab / "b.leuko.sig").read_bytes() == (lab / "a.leuko.sig").read_bytes()


def test_every_changed_byte_of_file_and_signature_is_refused(lab: Path) -> None:
    path, place = lab / "a.leuko", lab / "a.leuko.sig"
    content, signature = path.read_bytes(), place.read_bytes()
    rng = np.random.default_rng(1)
    for position in rng.choice(len(content), 60, replace=False).tolist():
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        assert "does not fit" in refused(path, lab / "ours.pub")
    for changed in (content[:-1], content + b"x", b"", content * 2):
        path.write_bytes(changed)
        refused(path, lab / "ours.pub")
    path.write_bytes(content)
    for position in range(0, len(signature), 3):
        changed = signature[:position] + bytes([signature[position] ^ 2]) + signature[position + 1 :]
        place.write_bytes(changed)
        try:
            record = json.loads(changed)
        except ValueError:
            record = None
        # Another space between the entries changes nothing that counts.
        if record != json.loads(signature):
            refused(path, lab / "ours.pub")
    for changed in (b"", b"[]", b"{}", b"\xff", b"[" * 20000, b"x" * 10000, b'"' + b"x" * 100):
        place.write_bytes(changed)
        refused(path, lab / "ours.pub")


def test_stripped_resigned_and_renamed_signatures_are_refused(lab: Path) -> None:
    path, place = lab / "a.leuko", lab / "a.leuko.sig"
    theirs = signing.SigningKey(lab / "theirs-private.pem")
    ours = json.loads(place.read_bytes())
    place.write_bytes(theirs.sign(path.read_bytes()))
    assert theirs.fingerprint in refused(path, lab / "ours.pub")
    # Their signature under our name, and our signature of another file.
    record = json.loads(theirs.sign(path.read_bytes())) | {"key": ours["key"]}
    place.write_text(json.dumps(record))
    assert "does not fit" in refused(path, lab / "ours.pub")
    place.write_bytes(signing.SigningKey(lab / "ours-private.pem").sign(b"something else"))
    assert "does not fit" in refused(path, lab / "ours.pub")
    for name, value in {"format": "x", "format_version": 2, "signature": "AA==", "key": 3}.items():
        place.write_text(json.dumps(ours | {name: value}))
        assert "is not a signature" in refused(path, lab / "ours.pub")
    # The point of small order verifies much; it is no trusted key.
    place.write_text(json.dumps(ours | {"key": base64.b64encode(b"\1" + bytes(31)).decode()}))
    refused(path, lab / "ours.pub")
    place.unlink()
    assert "is not signed" in refused(path, lab / "ours.pub")
    assert lt.load_classifier(path).signed_by == ""


def test_the_bytes_that_were_checked_are_the_bytes_that_are_read(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is replaced between the check and the reading is not read."""
    check = signing.check
    trained("knn").save(lab / "other.leuko")

    def late(path, content, trusted):
        found = check(path, content, trusted)
        shutil.copy(lab / "other.leuko", lab / "a.leuko")
        return found

    monkeypatch.setattr(signing, "check", late)
    one = lt.load_classifier(lab / "a.leuko", trusted=lab / "ours.pub")
    assert one.name == trained("centroids").name
    assert one.predict(fresh()).to_csv() == trained("centroids").predict(fresh()).to_csv()


def test_keys_that_cannot_be_used_are_refused(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa").generate_private_key(
        65537, 2048
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    (lab / "rsa.pem").write_bytes(rsa.private_bytes(pem, form, serialization.NoEncryption()))
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    (lab / "rsa.pub").write_bytes(rsa.public_key().public_bytes(pem, public))
    (lab / "cut.pem").write_bytes((lab / "ours-private.pem").read_bytes()[:60])
    (lab / "cut.pub").write_bytes((lab / "ours.pub").read_bytes()[:60])
    (lab / "empty").mkdir()
    private = ("rsa.pem", "cut.pem", "ours.pub", "none.pem", "empty", "a.leuko", "/dev/zero")
    for name in private:
        with pytest.raises(UnreadableFile) as raised:
            trained("centroids").save(lab / "never.leuko", sign=lab / name)
        assert "\n" not in str(raised.value)
    assert not (lab / "never.leuko").exists()
    for name in ("rsa.pub", "cut.pub", "ours-private.pem", "none.pub", "empty", "a.leuko", "/dev/zero"):
        with pytest.raises(UnreadableFile) as raised:
            lt.load_classifier(lab / "a.leuko", trusted=lab / name)
        assert "\n" not in str(raised.value)
    monkeypatch.delenv(signing.PASSPHRASE, raising=False)
    hidden, _ = write_keys(lab, "hidden", b"open sesame")
    with pytest.raises(UnreadableFile, match=f"encrypted. Set the variable {signing.PASSPHRASE}"):
        signing.SigningKey(hidden)
    monkeypatch.setenv(signing.PASSPHRASE, "wrong")
    with pytest.raises(UnreadableFile, match="is not its passphrase"):
        signing.SigningKey(hidden)
    monkeypatch.setenv(signing.PASSPHRASE, "open sesame")
    assert signing.SigningKey(hidden).fingerprint
    # A passphrase does not hinder a key that has none.
    assert signing.SigningKey(lab / "ours-private.pem").fingerprint


def test_missing_cryptography_is_reported_with_the_package_to_install(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingPackage, match=r"pip install 'leukotype\[sign\]'"):
        signing.SigningKey(lab / "ours-private.pem")
    with pytest.raises(MissingPackage):
        lt.load_classifier(lab / "a.leuko", trusted=lab / "ours.pub")
    assert lt.load_classifier(lab / "a.leuko").name


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_makes_keys_and_agrees_on_fingerprints_and_signatures(lab: Path) -> None:
    def openssl(*arguments: str) -> bytes:
        done = subprocess.run(["openssl", *arguments], cwd=lab, capture_output=True, check=True)
        return done.stdout

    openssl("genpkey", "-algorithm", "ed25519", "-out", "key.pem")
    openssl("pkey", "-in", "key.pem", "-pubout", "-out", "key.pub")
    key = signing.SigningKey(lab / "key.pem")
    (lab / "key.der").write_bytes(openssl("pkey", "-pubin", "-in", "key.pub", "-outform", "DER"))
    assert key.fingerprint in openssl("dgst", "-sha256", "key.der").decode()
    trained("centroids").save(lab / "b.leuko", sign=lab / "key.pem")
    assert lt.load_classifier(lab / "b.leuko", trusted=lab / "key.pub").signed_by == key.fingerprint
    raw = base64.b64decode(json.loads((lab / "b.leuko.sig").read_bytes())["signature"])
    (lab / "raw").write_bytes(raw)
    verify = (
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "key.pub",
        "-rawin",
        "-in",
        "b.leuko",
        "-sigfile",
        "raw",
    )
    assert b"Verified Successfully" in openssl(*verify)


def test_commands_sign_and_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    data, (private, public) = write_tiny_csv(tmp_path / "tiny.csv"), write_keys(tmp_path, "ours")
    _, stranger = write_keys(tmp_path, "theirs")

    def run(*arguments: object) -> int:
        return cli.run([str(argument) for argument in arguments])

    train = ("train", data, "--model", "centroids", *QUICK, "--out", "a.leuko")
    # A key that cannot be used is refused before anything is computed.
    assert run(*train, "--sign", public) == 2
    assert run(*train, "--sign", private, "--json") == 0
    assert run("train", data, "--model", "centroids", *QUICK, "--out", "b.leuko") == 0
    assert Path("a.leuko").read_bytes() == Path("b.leuko").read_bytes()
    fingerprint = signing.SigningKey(private).fingerprint
    out = capsys.readouterr().out
    assert json.loads(out[: out.index("\n}\n") + 3])["signed_by"] == fingerprint
    assert run("predict", "a.leuko", data, "--trusted", public, "--out", "calls.csv") == 0
    assert fingerprint in Path("calls.html").read_text(encoding="utf-8")
    others = write_tiny_csv(tmp_path / "others.csv", seed=21)
    assert run("validate", "a.leuko", others, "--trusted", public, "--out", "external") == 0
    for name in ("validation.json", "manifest.json"):
        assert (
            json.loads((tmp_path / "external" / name).read_bytes())["classifier"]["signed_by"] == fingerprint
        )
    capsys.readouterr()
    for trust, word in (((), "not compared"), (("--trusted", public), "(trusted)")):
        assert run("inspect", "a.leuko", *trust) == 0
        out = capsys.readouterr().out
        assert f"Signed by key: {fingerprint}" in out
        assert word in out
    assert run("inspect", "b.leuko") == 0
    assert "Signed" not in capsys.readouterr().out
    for file, keys in (("a.leuko", stranger), ("b.leuko", public)):
        for command in (("predict", file, data), ("validate", file, data, "--out", "no"), ("inspect", file)):
            assert run(*command, "--trusted", keys) == 2
            [line] = capsys.readouterr().err.splitlines()
            assert line.startswith("Error: ")
    assert not Path("no").exists()
    # An existing signature is an existing file.
    os.rename("a.leuko", "moved.leuko")
    assert run(*train) == 2
    secret = private.read_bytes().splitlines()[1]
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != private]
    assert not [path for path in written if secret in path.read_bytes()]

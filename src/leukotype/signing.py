"""Signed files: an Ed25519 signature of all bytes of a file, in a file next to it; docs/classifier.md shows the use.

The signature of NAME.leuko is NAME.leuko.sig, a JSON object: `format`, `format_version`, `key` (the public key, 32
bytes) and `signature` (64 bytes), both in Base64.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import os
import re
from pathlib import Path
from typing import Any

from leukotype import atomic
from leukotype.errors import MissingPackage, UnreadableFile, UntrustedFile

FORMAT = "leukotype-signature"
FORMAT_VERSION = 1
PASSPHRASE = "LEUKOTYPE_KEY_PASSPHRASE"
MAKE_KEY = "openssl genpkey -algorithm ed25519 -out key.pem"

_KEY_FILES = (".pem", ".pub")
_LARGEST = 2**16
_MOST_KEYS = 1000
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]*-----END \1-----\s*")
_NEEDED = f"an Ed25519 key in PEM format is needed. Make one with {MAKE_KEY}."


def signature_file(path: str | Path) -> Path:
    """Return where the signature of a file is."""
    return Path(f"{path}.sig")


class SigningKey:
    """A private key; `fingerprint` names its public key."""

    def __init__(self, path: str | Path) -> None:
        """Read an Ed25519 key from a PEM file.

        Raises UnreadableFile if the file holds none or needs another passphrase, MissingPackage without cryptography.
        """
        keys, kinds = _library()
        content = _content(Path(path))
        if b"PRIVATE KEY" not in content:
            raise UnreadableFile(f"{path} holds no private key; {_NEEDED}")
        phrase = os.environ.get(PASSPHRASE)
        try:
            try:
                key = keys.load_pem_private_key(content, None)
            except TypeError:
                if phrase is None:
                    raise UnreadableFile(
                        f"the key {path} is encrypted. Set the variable {PASSPHRASE} to its passphrase."
                    ) from None
                key = keys.load_pem_private_key(content, phrase.encode())
        except UnreadableFile:
            raise
        except Exception:  # the library has many; its messages could quote the key
            hint = f", or {PASSPHRASE} is not its passphrase" if b"ENCRYPTED" in content else ""
            raise UnreadableFile(f"the key {path} cannot be read{hint}; {_NEEDED}") from None
        if not isinstance(key, kinds.Ed25519PrivateKey):
            raise UnreadableFile(f"the key {path} is of another kind; {_NEEDED}")
        self._key = key
        self._public = key.public_key().public_bytes_raw()
        self.fingerprint = fingerprint(self._public)

    def sign(self, content: bytes) -> bytes:
        """Return the content of the signature file for these bytes."""
        record = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "key": base64.b64encode(self._public).decode(),
            "signature": base64.b64encode(self._key.sign(content)).decode(),
        }
        return (json.dumps(record, indent=1) + "\n").encode()


def fingerprint(public: bytes) -> str:
    """Return the SHA-256 of a public key of 32 bytes in DER form, as OpenSSL writes it."""
    prefix = bytes.fromhex("302a300506032b6570032100")
    return hashlib.sha256(prefix + public).hexdigest()


def sign_file(path: str | Path, key: str | Path) -> Path:
    """Write the signature of an existing file; return where it is, see `signature_file`.

    key : PEM file with an Ed25519 private key

    Raises UnreadableFile for a file or key that can't be read, OutputRefused if the signature can't be written.
    """
    own = SigningKey(key)
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise UnreadableFile(f"cannot read {path}: {problem.strerror}. Name a file to sign.") from None
    atomic.put(signature_file(path), own.sign(content))
    return signature_file(path)


def signer(path: str | Path, content: bytes) -> str:
    """Return the fingerprint of the key that signed a file; the key need not be trusted.

    content : of the file

    Raises UntrustedFile if there is no signature or it does not fit the content.
    """
    return fingerprint(_verified(path, content))


def check(path: str | Path, content: bytes, trusted: str | Path) -> str:
    """Return the fingerprint of the trusted key that signed a file.

    content : of the file
    trusted : a PEM file with public keys, or a folder of such files (*.pem, *.pub)

    Raises UntrustedFile unless one of these keys signed exactly this content, UnreadableFile if there are no keys,
    MissingPackage without cryptography.
    """
    known = _public_keys(Path(trusted))
    if not signature_file(path).exists():
        raise UntrustedFile(
            f"{path} is not signed: {signature_file(path).name} is missing. Get the signature, or sign the file; "
            "see docs/classifier.md."
        )
    public = _verified(path, content)
    if public not in known:
        raise UntrustedFile(
            f"{path} is signed by the key {fingerprint(public)}, which is not in {trusted}. Get a file that is signed "
            "by a trusted key."
        )
    return fingerprint(public)


def _verified(path: str | Path, content: bytes) -> bytes:
    """Return the public key in the signature file of a file, once its signature fits the content."""
    _, kinds = _library()
    place = signature_file(path)
    try:
        record = json.loads(_content(place).decode())
        if record.keys() != {"format", "format_version", "key", "signature"} or record["format"] != FORMAT:
            raise ValueError
        if record["format_version"] != FORMAT_VERSION:
            raise ValueError
        public, signature = (base64.b64decode(record[name], validate=True) for name in ("key", "signature"))
        if len(public) != 32 or len(signature) != 64:
            raise ValueError
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise UntrustedFile(f"{place} is not a signature. Get the file and its signature again.") from None
    try:
        kinds.Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except Exception:  # an invalid signature, or a key that is not on the curve
        raise UntrustedFile(
            f"the signature in {place.name} does not fit {path}: one of the two was changed. Get both again."
        ) from None
    return public


def _public_keys(place: Path) -> set[bytes]:
    """Return the public keys in a file or folder, 32 bytes each."""
    keys, kinds = _library()
    files = [place]
    try:
        if place.is_dir():
            files = sorted(path for path in place.iterdir() if path.suffix in _KEY_FILES)
    except OSError as problem:
        raise UnreadableFile(
            f"cannot read {place}: {problem.strerror}. Name a file or folder of keys."
        ) from None
    if len(files) > _MOST_KEYS:
        raise UnreadableFile(
            f"{place} holds {len(files):,} key files; at most {_MOST_KEYS:,} are read. Remove some."
        )
    found = set()
    for path in files:
        content = _content(path)
        if b"PRIVATE KEY" in content:
            raise UnreadableFile(
                f"{path} holds a private key, which nobody else should have. Give the public key: "
                "openssl pkey -in key.pem -pubout."
            )
        blocks = [match[0] for match in _PEM.finditer(content)]
        if not blocks:
            raise UnreadableFile(f"{path} holds no public key; {_NEEDED}")
        for block in blocks:
            try:
                key = keys.load_pem_public_key(block)
            except Exception:
                key = None
            if not isinstance(key, kinds.Ed25519PublicKey):
                raise UnreadableFile(f"{path} holds something that is no Ed25519 key; {_NEEDED}")
            found.add(key.public_bytes_raw())
    if not found:
        raise UnreadableFile(f"{place} holds no file named *.pem or *.pub. Put trusted public keys there.")
    return found


def _content(path: Path) -> bytes:
    """Return the content of a small regular file."""
    try:
        if not path.is_file():
            raise UnreadableFile(f"{path} is not a file. Name a file with a key.")
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as problem:
        raise UnreadableFile(f"cannot read {path}: {problem.strerror}. Name a file with a key.") from None
    if len(content) > _LARGEST:
        raise UnreadableFile(f"{path} is larger than {_LARGEST:,} bytes, so it is no key. Name another file.")
    return content


def _library() -> tuple[Any, Any]:
    try:
        return (
            importlib.import_module("cryptography.hazmat.primitives.serialization"),
            importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519"),
        )
    except ImportError as problem:
        raise MissingPackage(
            "signatures need the package cryptography. Run pip install 'leukotype[sign]', or leave out --sign and "
            "--trusted."
        ) from problem

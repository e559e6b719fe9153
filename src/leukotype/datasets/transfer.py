"""Download one file over HTTP, with retries that resume a broken transfer."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from leukotype import atomic

CHUNK = 1 << 16
# Seconds before the first retry, doubled for each further one.
PATIENCE = 0.5
# Longest wait that a server may request, in seconds.
MOST_PATIENCE = 60.0
# Largest download, in bytes; the largest dataset of the catalogue has 0.2 GB.
LARGEST = 2 * 10**9
# Longest attempt; the next one resumes.
LONGEST_SECONDS = 3600.0
_BUSY = (429, 503)
# Parts of requests' messages for an unknown host and for an unreachable server.
_NO_NAME = ("NameResolution", "getaddrinfo", "Name or service")
_NO_WAY = (*_NO_NAME, "refused", "Tunnel connection failed", "Unable to connect to proxy")


class TransferFailed(Exception):
    """The transfer did not complete; the message gives the reason."""


class Unreachable(TransferFailed):
    """The transfer did not start because the server cannot be reached."""


class TooLarge(TransferFailed):
    """The file is larger than allowed."""


class _Incomplete(Exception):
    """Fewer bytes than announced."""


@dataclass(frozen=True)
class Transfer:
    """A downloader for pooch that keeps the bytes received for a later attempt.

    kept    : place of a partial file between runs
    work    : partial file of this run; two simultaneous runs do not share it
    timeout : seconds to connect, and seconds without a byte
    retries : further attempts in this run
    """

    kept: Path
    work: Path
    timeout: tuple[float, float]
    retries: int
    progress: bool = False

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Download `url` to `output_file`; raises TransferFailed with the reason."""
        # The move is atomic: of two runs one takes the partial file, the other starts from zero.
        with suppress(FileNotFoundError):
            os.replace(self.kept, self.work)
        try:
            self._receive_all(url)
            os.replace(self.work, output_file)
            self._tag_file.unlink(missing_ok=True)
        finally:
            # After any failure, Ctrl-C included, the next run resumes here.
            if self.work.exists() and self.work.stat().st_size:
                os.replace(self.work, self.kept)

    def _receive_all(self, url: str) -> None:
        import requests
        from requests.exceptions import ChunkedEncodingError
        from urllib3.exceptions import HTTPError

        failure = TransferFailed()
        wait = PATIENCE
        for attempt in range(self.retries + 1):
            if attempt:
                time.sleep(wait)
                wait = PATIENCE * 2**attempt
            try:
                self._receive(url)
                return
            except requests.ConnectTimeout:
                # Lost packets are rarely transient, so there is no retry.
                raise Unreachable("the connection timed out (is there a network?)") from None
            except (requests.ConnectionError, requests.Timeout, ChunkedEncodingError, _Incomplete) as problem:
                failure = _failure(problem)
            except requests.HTTPError as problem:
                # "404 Client Error: Not Found for url: ...": without the address.
                failure = TransferFailed(f"the server answers {str(problem).split(' for url')[0]}")
                answer = problem.response
                if answer is not None and answer.status_code in _BUSY:
                    # A date, which the server may send instead, is ignored.
                    requested = answer.headers.get("Retry-After", "")
                    wait = max(wait, min(float(requested), MOST_PATIENCE) if requested.isdecimal() else 0.0)
                elif answer is None or answer.status_code < 500:
                    break
            except TooLarge:
                # No later attempt may resume here.
                self.work.unlink(missing_ok=True)
                self._tag_file.unlink(missing_ok=True)
                raise
            except (requests.RequestException, HTTPError, ValueError) as problem:
                # requests passes on errors in a header or an address, such as that of a redirection.
                failure = TransferFailed(_reason(problem))
                break
        raise failure

    def _receive(self, url: str) -> None:
        import requests

        have = self.work.stat().st_size if self.work.exists() else 0
        # Without compression, lengths are those of the file.
        headers = {"Accept-Encoding": "identity", "User-Agent": f"leukotype/{version('leukotype')}"}
        tag = self._read_tag()
        if have and tag:
            headers |= {"Range": f"bytes={have}-", "If-Range": tag}
        with requests.get(url, headers=headers, timeout=self.timeout, stream=True) as answer:
            if answer.status_code == 416:
                self.work.unlink(missing_ok=True)
                raise _Incomplete(
                    "the file on the server is shorter than the partial download; it was discarded"
                )
            answer.raise_for_status()
            resumed = answer.status_code == 206
            if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                self.work.unlink(missing_ok=True)
                raise _Incomplete("the server sent another part than requested")
            start = have if resumed else 0
            # Content-Length counts compressed bytes; the bytes received here are decompressed.
            packed = answer.headers.get("Content-Encoding", "identity") != "identity"
            length = "" if packed else answer.headers.get("Content-Length", "")
            # A length that is no number tells nothing; content is checked after the transfer anyway.
            expected = (
                start + int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None
            )
            if expected is not None and expected > LARGEST:
                raise TooLarge(
                    f"the file on the server has {expected / 1e9:,.1f} GB; {LARGEST / 1e9:g} are allowed"
                )
            tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            self._write_tag(None if packed else tag)
            # The length is checked below; urllib3's check would lose the last bytes before a break.
            answer.raw.enforce_content_length = False
            end = time.monotonic() + LONGEST_SECONDS
            with self.work.open("ab" if resumed else "wb") as stream, self._bar(start, expected) as bar:
                for chunk in answer.iter_content(CHUNK):
                    stream.write(chunk)
                    bar.update(len(chunk))
                    if time.monotonic() > end:
                        raise _Incomplete(f"the transfer took longer than {LONGEST_SECONDS / 60:.0f} minutes")
                    if stream.tell() > LARGEST:
                        raise TooLarge(
                            f"the server sends more than the {LARGEST / 1e9:g} GB that are allowed"
                        )
        received = self.work.stat().st_size
        if expected is not None and received != expected:
            raise _Incomplete(f"the transfer ended after {received} of {expected} bytes")

    def _bar(self, start: int, total: int | None) -> Any:
        from tqdm import tqdm

        return tqdm(
            initial=start,
            total=total,
            unit="B",
            unit_scale=True,
            # None: shown only if standard error is a terminal.
            disable=None if self.progress else True,
            desc="Downloading",
        )

    @property
    def _tag_file(self) -> Path:
        return self.kept.with_name(self.kept.name + ".json")

    def _read_tag(self) -> str | None:
        try:
            return str(json.loads(self._tag_file.read_text(encoding="utf-8"))["tag"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write_tag(self, tag: str | None) -> None:
        # A weak tag does not promise the same bytes, so a range cannot rely on it.
        if tag is None or tag.startswith("W/"):
            self._tag_file.unlink(missing_ok=True)
        else:
            atomic.put(self._tag_file, json.dumps({"tag": tag}).encode())


def _failure(problem: Exception) -> TransferFailed:
    unreachable = any(mark in str(problem) for mark in _NO_WAY)
    return (Unreachable if unreachable else TransferFailed)(_reason(problem))


def _reason(problem: Exception) -> str:
    import requests

    if isinstance(problem, requests.Timeout):
        return "no answer in time"
    if isinstance(problem, requests.exceptions.ProxyError):
        return "the proxy refused the connection (see HTTPS_PROXY and similar variables)"
    if isinstance(problem, requests.exceptions.SSLError):
        return "the server's certificate cannot be verified"
    if isinstance(problem, _Incomplete):
        return str(problem)
    text = str(problem)
    if any(mark in text for mark in _NO_NAME):
        return "the host name cannot be resolved (is there a network?)"
    if "refused" in text:
        return "the connection was refused"
    return f"the connection broke ({type(problem).__name__})"

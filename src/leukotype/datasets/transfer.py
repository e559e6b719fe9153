"""One file over HTTP: retried with patience, taken up again where it broke off."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

CHUNK = 1 << 16
# Seconds to wait before the next try, doubled each time.
PATIENCE = 0.5
# The longest that a server may have us wait, in seconds.
MOST_PATIENCE = 60.0
_BUSY = (429, 503)
# How requests says that a host has no address, and that nobody listens there.
_NO_NAME = ("NameResolution", "getaddrinfo", "Name or service")
_NO_WAY = (*_NO_NAME, "refused", "Tunnel connection failed", "Unable to connect to proxy")


class Interrupted(Exception):
    """A transfer that did not reach its end, in one sentence."""


class Unreachable(Interrupted):
    """A transfer that did not begin, for there is no way to the server."""


@dataclass(frozen=True)
class Transfer:
    """A downloader for pooch that keeps what has arrived for a later try.

    kept    : where a broken transfer is left, and looked for, between runs
    work    : file of this run alone; two runs at once do not share it
    timeout : seconds to connect, and seconds without a byte
    retries : further tries within this run
    """

    kept: Path
    work: Path
    timeout: tuple[float, float]
    retries: int
    progress: bool = False

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Download `url` to `output_file`; raises Interrupted with the reason where it does not come whole."""
        # Moving is atomic: of two runs one takes what was kept, the other begins anew.
        with contextlib.suppress(FileNotFoundError):
            os.replace(self.kept, self.work)
        try:
            self._receive_whole(url)
            os.replace(self.work, output_file)
            self._tag().unlink(missing_ok=True)
        finally:
            # However the run ends, at the keyboard too, the next one goes on from here.
            if self.work.exists() and self.work.stat().st_size:
                os.replace(self.work, self.kept)

    def _receive_whole(self, url: str) -> None:
        import requests
        from requests.exceptions import ChunkedEncodingError

        failure: type[Interrupted] = Interrupted
        wait = PATIENCE
        for attempt in range(self.retries + 1):
            if attempt:
                time.sleep(wait)
                wait = PATIENCE * 2**attempt
            try:
                self._receive(url)
                return
            except requests.ConnectTimeout:
                # Packets that vanish are no accident of the moment: waiting again would only take time.
                reason, failure = "no connection in time (is there a network?)", Unreachable
                break
            except (requests.ConnectionError, requests.Timeout, ChunkedEncodingError, _Short) as problem:
                reason, failure = _in_words(problem), _kind(problem)
            except requests.HTTPError as problem:
                # "404 Client Error: Not Found for url: ...": the part before the address says it.
                reason, failure = f"the server answers {str(problem).split(' for url')[0]}", Interrupted
                answer = problem.response
                if answer is not None and answer.status_code in _BUSY:
                    wait = max(wait, _asked_to_wait(answer))
                elif answer is None or answer.status_code < 500:
                    break
            except requests.RequestException as problem:
                reason, failure = _in_words(problem), Interrupted
                break
        raise failure(reason)

    def _receive(self, url: str) -> None:
        import requests

        have = self.work.stat().st_size if self.work.exists() else 0
        # Without compression on the way, sizes are those of the file.
        headers = {"Accept-Encoding": "identity", "User-Agent": f"leukotype/{version('leukotype')}"}
        tag = self._read_tag()
        if have and tag:
            headers |= {"Range": f"bytes={have}-", "If-Range": tag}
        with requests.get(url, headers=headers, timeout=self.timeout, stream=True) as answer:
            if answer.status_code == 416:
                self.work.unlink(missing_ok=True)
                raise _Short("the server has less than was kept; it is fetched anew")
            answer.raise_for_status()
            going_on = answer.status_code == 206
            if going_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                self.work.unlink(missing_ok=True)
                raise _Short("the server sent another part than was asked for")
            start = have if going_on else 0
            # A length speaks of what travels; what arrives here has been unpacked.
            packed = answer.headers.get("Content-Encoding", "identity") != "identity"
            length = None if packed else answer.headers.get("Content-Length")
            expected = None if length is None else start + int(length)
            tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            self._write_tag(None if packed else tag)
            # Ours to check, below: else the last bytes before a break would be lost with the exception.
            answer.raw.enforce_content_length = False
            with self.work.open("ab" if going_on else "wb") as stream, self._bar(start, expected) as bar:
                for chunk in answer.iter_content(CHUNK):
                    stream.write(chunk)
                    bar.update(len(chunk))
        arrived = self.work.stat().st_size
        if expected is not None and arrived != expected:
            raise _Short(f"the transfer ended after {arrived} of {expected} bytes")

    def _bar(self, start: int, total: int | None) -> Any:
        from tqdm import tqdm

        return tqdm(
            initial=start,
            total=total,
            unit="B",
            unit_scale=True,
            # None: only where standard error is a terminal.
            disable=None if self.progress else True,
            desc="Downloading",
        )

    def _tag(self) -> Path:
        return self.kept.with_name(self.kept.name + ".json")

    def _read_tag(self) -> str | None:
        try:
            return str(json.loads(self._tag().read_text(encoding="utf-8"))["tag"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write_tag(self, tag: str | None) -> None:
        # A weak tag does not promise the same bytes, so it is of no use for a range.
        if tag is None or tag.startswith("W/"):
            self._tag().unlink(missing_ok=True)
            return
        beside = self.work.with_name("tag")
        beside.write_text(json.dumps({"tag": tag}), encoding="utf-8")
        os.replace(beside, self._tag())


class _Short(Exception):
    """Fewer bytes than promised."""


def _asked_to_wait(answer: Any) -> float:
    """Seconds that a busy server asks for; 0 where it asks for none, or names a date."""
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), MOST_PATIENCE) if asked.isdecimal() else 0.0


def _kind(problem: Exception) -> type[Interrupted]:
    return Unreachable if any(mark in str(problem) for mark in _NO_WAY) else Interrupted


def _in_words(problem: Exception) -> str:
    import requests

    if isinstance(problem, requests.Timeout):
        return "no answer in time"
    if isinstance(problem, requests.exceptions.ProxyError):
        return "the proxy does not let it through (HTTPS_PROXY and its like are heeded)"
    if isinstance(problem, requests.exceptions.SSLError):
        return "the certificate of the server cannot be verified"
    if isinstance(problem, _Short):
        return str(problem)
    text = str(problem)
    if any(mark in text for mark in _NO_NAME):
        return "its host name cannot be resolved (is there a network?)"
    if "refused" in text:
        return "the connection was refused"
    return f"the connection broke ({type(problem).__name__})"

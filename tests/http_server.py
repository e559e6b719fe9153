"""A local HTTP server that serves one file, with optional faults."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Service:
    """The served file, the faults, and a record of the requests.

    body     : bytes of the file
    status   : status of every answer
    cut      : bytes after which the first `n_cuts` answers end, although the full length was announced
    delay    : seconds before an answer
    ranges   : whether byte ranges are supported
    off_by   : bytes by which a range starts too late
    packed   : whether answers are always compressed
    headers  : headers in place of the right ones
    endless  : whether the body is repeated until the client leaves
    requests : Range header of each request, or None
    """

    body: bytes
    status: int = 200
    cut: int | None = None
    n_cuts: int = 10**6
    delay: float = 0.0
    ranges: bool = True
    off_by: int = 0
    packed: bool = False
    tag: str | None = '"v1"'
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    url: str = ""
    requests: list[str | None] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """Serve until the block ends; `service.url` is the address of the file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            service.requests.append(wanted)
            time.sleep(service.delay)
            body, status = service.body, service.status
            same = self.headers.get("If-Range") in (None, service.tag)
            if wanted and service.ranges and same and status == 200:
                start = int(wanted.removeprefix("bytes=").rstrip("-")) + service.off_by
                body, status = body[start:], 206
            if service.packed:
                body = gzip.compress(body)
            self.send_response(status)
            if status == 206:
                whole = len(service.body)
                self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
            if service.packed:
                self.send_header("Content-Encoding", "gzip")
            headers = {"Content-Length": str(len(body)), "ETag": service.tag or ""}
            if service.endless:
                self.close_connection = True
                del headers["Content-Length"]
            for name, value in {**headers, **service.headers}.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                while service.endless:
                    self.wfile.write(body)
            if service.cut is not None and len(service.requests) <= service.n_cuts:
                body = body[: service.cut]
                self.close_connection = True
            service.sent.append(len(body))
            # The client may have timed out.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}/file.csv"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

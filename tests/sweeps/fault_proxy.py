"""An HTTP proxy on the loopback address that misbehaves on demand, in front of a real server."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self

Fault = Literal["none", "down", "error", "drop"]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


def _no_fault(*_: object) -> Fault:
    return "none"


class FaultProxy:
    """Forwards to `port`; `fault(number, method, path)` tells what to do with each request, counted from 0.

    none: forward. down: close the connection unanswered. error: answer 500 without forwarding. drop: forward, let the
    server carry it out, and close the connection without the answer. `delay_s` is waited before every answer. With
    `keeps_host` the server is told the host that was asked for, which a signed request names.
    """

    def __init__(
        self,
        port: int,
        fault: Callable[[int, str, str], Fault] = lambda *_: "none",
        delay_s: float = 0.0,
        keeps_host: bool = False,
    ) -> None:
        self.upstream_port, self.delay_s = port, delay_s
        self.dropped = _HOP_BY_HOP - ({"host"} if keeps_host else set())
        self.fault = fault or _no_fault
        self.requests: list[tuple[str, str, Fault]] = []
        self.authorizations: set[str | None] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next_fault(self, method: str, path: str) -> Fault:
        """Count a request and decide its fate."""
        with self._lock:
            fault = self.fault(len(self.requests), method, path)
            self.requests.append((method, path, fault))
        return fault

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the request's here
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                fault = proxy.next_fault(self.command, self.path)
                proxy.authorizations.add(self.headers.get("Authorization"))
                body = self._body()
                time.sleep(proxy.delay_s)
                if fault == "error":
                    self._answer(500, b"planted error", {})
                elif fault == "down":
                    self._hang_up()
                else:
                    status, answer, headers = self._forward(body)
                    if fault == "drop":
                        self._hang_up()
                    else:
                        self._answer(status, answer, headers)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class's names

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                chunks = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():  # trailers
                    pass
                return b"".join(chunks)

            def _forward(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
                connection = http.client.HTTPConnection("127.0.0.1", proxy.upstream_port, timeout=60)
                headers = {key: value for key, value in self.headers.items() if key.lower() not in proxy.dropped}
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                return answer.status, content, dict(answer.getheaders())

            def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for key, value in headers.items():
                    if key.lower() not in _HOP_BY_HOP:
                        self.send_header(key, value)
                is_head = self.command == "HEAD"  # its answer tells the length of what a GET would bring
                self.send_header("Content-Length", headers.get("Content-Length", "0") if is_head else str(len(content)))
                self.end_headers()
                if not is_head:
                    self.wfile.write(content)

            def _hang_up(self) -> None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        return Handler

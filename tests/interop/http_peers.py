"""A hand-made HTTP server that answers as it is told, for servers that are too heavy to be started in a test."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """What the server was asked."""

    message: Any
    """The body as JSON."""
    headers: dict[str, str]
    path: str


Reply = tuple[int, dict[str, str], Any]
"""Status, headers, and a body: bytes as they are, anything else as JSON."""


class CannedServer:
    """Answers every POST with what `answer` makes of it, and keeps what it was asked."""

    def __init__(self, answer: Callable[[Asked], Any]) -> None:
        """`answer` gives a Reply, or the body alone of one with status 200."""
        self.asked: list[Asked] = []
        self._answer = answer
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                owner.asked.append(Asked(json.loads(data), headers, self.path))
                self._send(owner._answer(owner.asked[-1]))

            def _send(self, reply: Any) -> None:
                status, headers, body = reply if isinstance(reply, tuple) else (200, {}, reply)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Free the port."""
        self._server.shutdown()
        self._server.server_close()

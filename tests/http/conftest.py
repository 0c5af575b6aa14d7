"""A server with an app that echoes, raw connections to it, and servers that answer by a script."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rpcctl.address import Address
from rpcctl.http.client import HttpClient
from rpcctl.http.server import App, Done, HttpServer, Post
from rpcctl.interfaces import Settings

PATIENCE = 10.0


class Echo:
    """Answers with the body; by its first word it fails, waits, or answers from another thread."""

    def __init__(self, *paths: str, mark: bytes = b"") -> None:
        self.paths = paths or ("/", "/rpc")
        self.mark = mark
        self.posts: list[Post] = []
        self.refusals: list[tuple[str, str, str]] = []
        self.arrived = threading.Event()
        self.go_on = threading.Event()

    def answer(self, post: Post, done: Done) -> None:
        self.posts.append(post)
        self.arrived.set()
        if post.body == b"raise":
            raise RuntimeError("secret detail")
        if post.body == b"twice":
            done(200, b"once", "text/plain")
        if post.body == b"nothing":
            done(204, b"", "text/plain")
        elif post.body == b"wait":
            threading.Thread(target=self._answer_later, args=(done,)).start()
        elif post.body.startswith(b"thread"):
            threading.Thread(target=done, args=(200, self.mark + post.body, "text/plain")).start()
        else:
            done(200, self.mark + post.body, post.content_type or "text/plain")

    def _answer_later(self, done: Done) -> None:
        if self.go_on.wait(PATIENCE):
            done(200, b"waited", "text/plain")

    def page(self, post: Post, done: Done) -> None:
        done(200, b"<p>page</p>", "text/html")

    def refused(self, what: str, peer: str, why: str) -> None:
        self.refusals.append((what, peer, why))

    def claims(self, post: Post) -> bool:
        return bool(self.mark) and post.body.startswith(self.mark)


class Serving:
    """A server on a thread."""

    def __init__(self, app: App, at: Address, settings: Settings) -> None:
        self.server = HttpServer(at, settings)
        self.server.bind()
        self.thread = threading.Thread(target=self.server.serve, args=(app,))
        self.thread.start()

    @property
    def address(self) -> Address:
        return self.server.address

    def stop(self) -> None:
        self.server.close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


Serve = Callable[..., Serving]


def address_of(transport: str = "http", host: str = "127.0.0.1", port: int = 0, path: str = "") -> Address:
    kind = "path" if transport == "http+unix" else "host"
    return Address("jsonrpc", transport, transport, kind, "" if kind == "path" else host, port, path)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that serves an app, `serve(app, at, max_message=..., **options)`; options with _ for -."""
    running: list[Serving] = []

    def start(app: Any = None, at: Address | None = None, max_message: int = 1 << 20, **options: Any) -> Serving:
        named = {name.replace("_", "-"): value for name, value in options.items()}
        running.append(Serving(app or Echo(), at or address_of(), Settings(named, max_message=max_message)))
        return running[-1]

    yield start
    for each in running:
        each.stop()


class Raw:
    """A connection that says what it is told to."""

    def __init__(self, at: Address) -> None:
        if at.kind == "path":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(at.path)
        else:
            self.socket = socket.create_connection((at.host, at.port))
        self.socket.settimeout(PATIENCE)
        self.seen = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_until(self, end: bytes) -> bytes:
        while end not in self.seen:
            data = self.socket.recv(65536)
            assert data, self.seen
            self.seen += data
        found, _, self.seen = self.seen.partition(end)
        return found + end

    def read_answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:]) if name}
        length = int(headers.get("content-length", 0))
        while len(self.seen) < length:
            data = self.socket.recv(65536)
            assert data
            self.seen += data
        body, self.seen = self.seen[:length], self.seen[length:]
        return status, headers, body

    def is_closed(self) -> bool:
        """Whether nothing follows but the end; waits for it."""
        try:
            return not self.seen and self.socket.recv(65536) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
def raw() -> Iterator[Callable[[Address], Raw]]:
    """A function that connects, `raw(address)`."""
    connections: list[Raw] = []

    def connect(at: Address) -> Raw:
        connections.append(Raw(at))
        return connections[-1]

    yield connect
    for each in connections:
        each.socket.close()


def post(body: bytes, *headers: str, path: str = "/", method: str = "POST", version: str = "1.1") -> bytes:
    """A request as bytes; with a Content-Length unless a header says otherwise."""
    lines = [f"{method} {path} HTTP/{version}", *headers]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    if not any(line.lower().startswith("host") for line in headers):
        lines.append("Host: 127.0.0.1")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Script:
    """A server that accepts connections and does with each what it is told; keeps what it was sent."""

    def __init__(self, *acts: Callable[[socket.socket, "Script"], None], unix: str = "") -> None:
        self.listener = socket.socket(socket.AF_UNIX) if unix else socket.create_server(("127.0.0.1", 0))
        if unix:
            self.listener.bind(unix)
            self.listener.listen()
        self.requests: list[bytes] = []
        self.connections = 0
        self._acts = acts
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def address(self) -> Address:
        return address_of(port=self.listener.getsockname()[1])

    def close(self) -> None:
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # As macOS has it.
        self.listener.close()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        for act in self._acts:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(PATIENCE)
                try:
                    act(connection, self)
                except OSError:
                    pass  # The client had enough.


def read_request(connection: socket.socket) -> bytes:
    """One request, as its Content-Length says."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
        data += piece
    return data


def answering(*answers: bytes) -> Callable[[socket.socket, Script], None]:
    """Reads a request and sends an answer, for each of them; then closes."""

    def act(connection: socket.socket, script: Script) -> None:
        for answer in answers:
            script.requests.append(read_request(connection))
            connection.sendall(answer)

    return act


def answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


@pytest.fixture
def script() -> Iterator[Callable[..., Script]]:
    """A function that starts a scripted server, `script(act, ...)`, an act for each connection."""
    running: list[Script] = []

    def start(*acts: Any, **more: Any) -> Script:
        running.append(Script(*acts, **more))
        return running[-1]

    yield start
    for each in running:
        each.close()


@pytest.fixture
def client() -> Iterator[Callable[..., HttpClient]]:
    """A function that makes a client, `client(address, **options)`."""
    made: list[HttpClient] = []

    def make(at: Address, path: str = "/", **options: Any) -> HttpClient:
        more = {name: options.pop(name) for name in ("max_message", "connect_timeout", "trace") if name in options}
        named = {name.replace("_", "-"): value for name, value in options.items()}
        made.append(HttpClient(at, Settings(named, **more), path))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Certificates:
    """An authority and what it signed, each as the paths of certificate and key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = self._sign_self("authority")
        self.server = self._sign("server", 2)
        self.client = self._sign("client", 2)
        self.expired = self._sign("expired", -1)
        self.lone = self._sign_self("lone")

    def _sign_self(self, name: str) -> tuple[str, str]:
        cert, key = self._paths(name)
        self._openssl("req", "-x509", *self._new(name, key), "-out", cert, "-days", "2")
        return cert, key

    def _sign(self, name: str, days: int) -> tuple[str, str]:
        (cert, key), request = self._paths(name), str(self.folder / f"{name}.csr")
        self._openssl("req", *self._new(name, key), "-addext", "basicConstraints=CA:FALSE", "-out", request)
        authority, authority_key = self.authority
        words = ("-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-copy_extensions", "copy")
        self._openssl("x509", "-req", "-in", request, *words, "-days", str(days), "-out", cert)
        return cert, key

    def _paths(self, name: str) -> tuple[str, str]:
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")

    def _new(self, name: str, key: str) -> tuple[str, ...]:
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key)
        return (*kind, "-subj", f"/CN={name}", "-addext", names)

    def _openssl(self, *words: str) -> None:
        subprocess.run(("openssl", *words), check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once."""
    return Certificates(tmp_path_factory.mktemp("certificates"))

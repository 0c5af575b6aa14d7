"""Stock managers for the tests: a server's process, a client's process, a client in this process, a raw connection."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

from rpcctl.protocols.manager import codec, handshake

KEY = "a key of the tests"
PEERS = Path(__file__).parent
VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


def installed_pythons() -> list[str]:
    """This Python, and others that are there: the handshake changed between 3.11 and 3.12."""
    found = [sys.executable]
    for version in VERSIONS:
        path = shutil.which(f"python{version}")
        if path and version != f"{sys.version_info[0]}.{sys.version_info[1]}":
            if subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
                found.append(path)
    return found


PYTHONS = installed_pythons()


@contextmanager
def stock_server(place: str = "127.0.0.1:0", python: str = sys.executable, key: str = KEY) -> Iterator[str]:
    """A stock manager's server; where it is."""
    command = [python, str(PEERS / "manager_server.py"), place, key]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def stock_call(place: str, typeid: str, method: str, *args: Any, python: str = sys.executable, key: str = KEY) -> Any:
    """What a stock client's process gets."""
    command = [python, str(PEERS / "manager_client.py"), place, key, typeid, method, *map(json.dumps, args)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True, env=env)
    return json.loads(done.stdout)


def stock_proxy(place: str, typeid: str, key: str = KEY) -> Any:
    """A stock client's proxy, in this process."""
    kind = type("Manager", (BaseManager,), {})
    kind.register(typeid)  # type: ignore[attr-defined]
    host, colon, port = place.rpartition(":")
    manager = kind(address=(host, int(port)) if colon else place, authkey=key.encode())
    manager.connect()
    return getattr(manager, typeid)()


class Raw:
    """A client made by hand, its handshake done or not."""

    def __init__(self, place: str, *, shake: bool = True) -> None:
        host, _, port = place.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=5)
        self.frames = codec.Frames(1 << 26)
        if shake:
            shaking = handshake.ClientHandshake(KEY.encode(), os.urandom)
            while not shaking.done:
                for answer in shaking.receive(self.read()):
                    self.write(answer)

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def write(self, data: bytes) -> None:
        """Send a frame."""
        self.socket.sendall(codec.frame(data))

    def read(self) -> bytes:
        """The next frame; EOFError at the end."""
        while (found := self.frames.next()) is None:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.frames.feed(data)
        return found

    def is_closed(self) -> bool:
        """Whether the server hangs up, whatever it says before."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

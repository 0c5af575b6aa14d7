"""A RabbitMQ node of the tests' own: no root, no fixed port, nothing left behind. Needs Debian's rabbitmq-server."""

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.http.conftest import Certificates

SCRIPTS = Path("/usr/lib/rabbitmq/bin")
"""Debian's wrapper in /usr/sbin wants to be root; the scripts behind it do not."""
PATIENCE = 60.0
OTHER_HOST = "127.0.0.2"
"""Where the broker can be reached under a name that its certificate does not have."""
_SILENT: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
WEAK = "weak"
"""A user, with this as password too, who may configure and read its reply queues only, and write to no exchange."""


class Broker:
    """One node in a folder of its own; `port` stays the same when it is started again."""

    def __init__(self, folder: Path) -> None:
        """Lay out the folder; nothing runs yet."""
        self.folder = folder
        self.port, self.tls_port, distribution, epmd = _free_ports(4)
        self.certificates = Certificates(folder)
        cert, key = self.certificates.server
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "plugins").write_text("[].")
        (folder / "definitions.json").write_text(json.dumps(_definitions()))
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self.port}\n"
            # At two addresses, of which the certificate names one.
            f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}\nlisteners.ssl.2 = {OTHER_HOST}:{self.tls_port}\n"
            f"ssl_options.cacertfile = {self.certificates.authority[0]}\n"
            f"ssl_options.certfile = {cert}\nssl_options.keyfile = {key}\n"
            "ssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n"
            f"load_definitions = {folder}/definitions.json\n"
            "log.console = false\nloopback_users = none\ndisk_free_limit.absolute = 1MB\nmax_message_size = 16777216\n"
        )
        # The node would leave its name server running for ever; this one is ours to end.
        self._names = subprocess.Popen(["epmd", "-port", str(epmd), "-address", "127.0.0.1"], **_SILENT)
        self._env = {
            **os.environ,
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"t{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            # One scheduler: there are other things to do on this machine.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
        }

    def url(self, topic: str = "", *, login: str = "", vhost: str = "/", more: str = "") -> str:
        """Where a topic is served at this broker: `login` is USER:PASSWORD, `more` is appended to the query."""
        query = "&".join(filter(None, (f"topic={topic}" if topic else "", more)))
        user = f"{login}@" if login else ""
        return f"amqp://{user}127.0.0.1:{self.port}/{vhost}" + (f"?{query}" if query else "")

    def tls_url(self, topic: str, host: str = "127.0.0.1") -> str:
        """The same, encrypted."""
        return f"amqps://{host}:{self.tls_port}//?topic={topic}"

    def start(self) -> None:
        """Start it, or start it again, and wait until it takes logins."""
        self.process = subprocess.Popen(
            [str(SCRIPTS / "rabbitmq-server")], env=self._env, start_new_session=True, **_SILENT
        )
        end = time.monotonic() + PATIENCE
        while not self._greets():
            assert self.process.poll() is None, "the broker has ended"
            assert time.monotonic() < end, "the broker does not come up"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it without a word, as a machine that loses power."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def signal(self, number: int) -> None:
        """Send a signal to the whole node: SIGSTOP freezes it, SIGCONT lets it go on."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def control(self, *words: str) -> str:
        """What `rabbitmqctl` prints; it takes a second or two."""
        done = subprocess.run(
            [str(SCRIPTS / "rabbitmqctl"), "--quiet", *words], env=self._env, capture_output=True, text=True, check=True
        )
        return done.stdout

    def close(self) -> None:
        """End it, and the name server that came with it."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self._names.kill()
        self._names.wait()

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.5) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return probe.recv(7)[:1] == b"\x01"
        except OSError:
            return False


def _definitions() -> dict[str, Sequence[object]]:
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "vhosts": [{"name": "/"}, {"name": "other"}],
        "users": [_user("guest", "administrator"), _user(WEAK)],
        "permissions": [
            *({"user": "guest", "vhost": vhost, **everything} for vhost in ("/", "other")),
            {"user": WEAK, "vhost": "/", "configure": "^reply_", "write": "^$", "read": "^reply_"},
        ],
        "parameters": [],
        "policies": [],
        "queues": [],
        "exchanges": [],
        "bindings": [],
    }


def _user(name: str, *tags: str) -> dict[str, object]:
    salt = b"salt"
    hashed = base64.b64encode(salt + hashlib.sha256(salt + name.encode()).digest()).decode()
    return {
        "name": name,
        "password_hash": hashed,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ",".join(tags),
    }


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in listeners]
    for each in listeners:
        each.close()
    return ports

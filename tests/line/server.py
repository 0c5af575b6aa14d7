"""Serves a handler, one thread for each connection; a line that begins with # is kept for the tests to see."""

from queue import SimpleQueue
from socketserver import StreamRequestHandler, ThreadingTCPServer

from rpcctl.address import Address
from rpcctl.errors import ConnectError, renamed
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import Reply, Result

from . import codec

greetings: SimpleQueue[str] = SimpleQueue()
"""The lines that began with #."""


class Server:
    """Serves a handler at one address."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self._address = address
        self._shouts = bool(settings.options["shout"])
        self._listener: _Listener | None = None

    @property
    def address(self) -> Address:
        """Where it is bound."""
        return self._address

    def bind(self) -> None:
        """Take the address."""
        with renamed({OSError: lambda exc: ConnectError(f"{self._address}: {exc}")}):
            self._listener = _Listener((self._address.host, self._address.port), _Connection)
        self._address = self._address.with_port(self._listener.server_address[1])

    def serve(self, handler: Handler, executor: Executor) -> None:
        """Serve until `close`."""
        assert self._listener is not None
        self._listener.use(handler, executor, self._shouts)
        self._listener.serve_forever(poll_interval=0.01)

    def drain(self) -> None:
        """Calls that run are short here."""

    def close(self) -> None:
        """Free the address."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()


class _Listener(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def use(self, handler: Handler, executor: Executor, shouts: bool) -> None:
        self.handler, self.executor, self.shouts = handler, executor, shouts


class _Connection(StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Listener)
        for line in self.rfile:
            if line.startswith(b"#"):
                greetings.put(line.decode().strip("# \n"))
                continue
            sink = _Sink()
            self.server.executor.submit(self.server.handler, codec.unpack_request(line), sink)
            reply = sink.replies.get()
            if self.server.shouts and isinstance(reply, Result) and isinstance(reply.value, str):
                reply = Result(reply.value.upper())
            self.wfile.write(codec.pack_reply(reply))


class _Sink:
    """Keeps the only reply that this wire carries."""

    def __init__(self) -> None:
        self.replies: SimpleQueue[Reply] = SimpleQueue()

    def deliver(self, reply: Reply) -> None:
        """Keep it."""
        self.replies.put(reply)

    def paused(self) -> None:
        """Never: no allowance was given."""

    def ended(self) -> None:
        """Nothing to do: the reply is there."""

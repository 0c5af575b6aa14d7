"""One handler at one address or several: all bound or none, a thread for each, one executor, one drain, one end.

Which protocols there are is known by the registry alone; what the handler does, by whoever hands it in.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rpcctl import registry
from rpcctl.address import Address
from rpcctl.errors import UsageError
from rpcctl.interfaces import Handler, Reloading, Server, Settings
from rpcctl.messages import Trace
from rpcctl.service.executor import Calls
from rpcctl.settings import check_given, check_used, fill_options


class Listening:
    """A handler that is served. A context manager: binds and serves on entry, stops on exit."""

    def __init__(
        self,
        handler: Handler,
        executor: Calls,
        addresses: Sequence[str | Address],
        *,
        proto: str | None,
        settings: Settings,
        options: Mapping[str, Any] | None,
        allow_remote: bool,
    ) -> None:
        """Nothing is bound yet. Without an address the protocol's default one is meant; `options` are for all.

        UsageError when a protocol that is meant for this machine alone would be reachable from others, unless
        `allow_remote`.
        """
        self.executor = executor
        self._handler = handler
        places = _list_addresses(addresses, proto, (options or {}).get("path"))
        self._servers = _make_servers(places, options or {}, settings, given=bool(addresses))
        if not allow_remote:
            _keep_local(self.addresses)
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()
        self._failure: BaseException | None = None

    @property
    def addresses(self) -> list[Address]:
        """Where it is bound, one for each address asked for, complete enough to call; real ports once it is."""
        return [server.address for server in self._servers]

    def __enter__(self) -> Any:
        """Bind and serve."""
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop at once; calls that run are abandoned."""
        self.stop()

    def bind(self) -> None:
        """Take every address, or none: ConnectError says which one is in use."""
        try:
            for server in self._servers:
                server.bind()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Bind, then serve each address on a thread of its own."""
        self.bind()
        try:
            self._prepare()
        except BaseException:
            self.stop()
            raise
        for server in self._servers:
            thread = threading.Thread(
                target=self._serve, args=(server,), name=f"rpcctl-{server.address.scheme}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until `stop`, or for `timeout` seconds; whether it has stopped. Raises what ended it by itself."""
        stopped = self._stopped.wait(timeout)
        if self._failure is not None:
            raise self._failure
        return stopped

    def is_busy(self) -> bool:
        """Whether calls are under way."""
        return self.executor.running > 0

    def drain(self, grace: float) -> int:
        """Accept nothing more and wait up to `grace` seconds for the calls that run; how many were left over."""
        for server in self._servers:
            server.drain()
        return self.executor.drain(grace)

    @property
    def files(self) -> list[str]:
        """The files that the servers go by."""
        return [path for server in self._reloading() for path in server.files]

    def stop(self) -> None:
        """Flush what was answered and free the addresses. Safe to repeat."""
        for server in self._servers:
            server.close()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5.0)
        self.executor.close()
        self._release()
        self._stopped.set()

    def _reload_files(self) -> None:
        """Let the servers read them again; what a server says when one is of no use."""
        for server in self._reloading():
            server.reload()

    def _reloading(self) -> list[Reloading]:
        return [each for each in self._servers if isinstance(each, Reloading)]

    def _prepare(self) -> None:
        """Get ready what the handler needs, when the addresses are bound."""

    def _release(self) -> None:
        """Free it again; no call runs any more."""

    def _serve(self, server: Server) -> None:
        try:
            server.serve(self._handler, self.executor)
        except BaseException as exc:
            self._failure = exc
            self._stopped.set()


def make_settings(
    max_message: int, max_items: int, trace: Trace | None, note: Callable[[str], None] | None, name: str = ""
) -> Settings:
    """What all servers are given alike; `note` takes lines for their log, `name` is that of what is served."""
    settings = Settings(max_message=max_message, max_items=max_items, trace=trace, name=name)
    return settings if note is None else settings._replace(note=note)


def _list_addresses(addresses: Sequence[str | Address], proto: str | None, path: str | None) -> list[Address]:
    if not addresses:
        return [registry.default_address(registry.find(proto or registry.DEFAULT))]
    return [registry.parse_address(each, proto, path) if isinstance(each, str) else each for each in addresses]


def _make_servers(
    addresses: Sequence[Address], options: Mapping[str, Any], settings: Settings, *, given: bool
) -> list[Server]:
    """`given` tells whether the addresses were asked for: a default one is not bound when an option replaces it."""
    infos = [registry.find(at.protocol) for at in addresses]
    check_given(infos, "server", options)
    check_used(list(zip(addresses, infos, strict=True)), "server", options)
    made = []
    for at, info in zip(addresses, infos, strict=True):
        own = fill_options(info, "server", at, options, os.environ)
        replaced = any(option.replaces_bind and own.get(option.name) for option in info.options)
        made.append(registry.server(at, settings._replace(options=own, bound=given or not replaced)))
    return made


def _keep_local(addresses: Sequence[Address]) -> None:
    for address in addresses:
        why = registry.find(address.protocol).local_only
        if why and not address.is_loopback():
            raise UsageError(
                f"{address} is reachable from other machines, and {why}",
                hint="bind 127.0.0.1, or add --allow-remote if that is meant",
            )

"""The serving side put together: targets to one service, one executor, one server for each address.

    with Server("calc", "tcp://127.0.0.1:0") as server:
        print(server.addresses)

`rpcctl serve` is this with signals and a log. Which protocols there are is known by the registry alone.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rpcctl import registry
from rpcctl.address import Address
from rpcctl.errors import UsageError
from rpcctl.interfaces import Server as WireServer
from rpcctl.interfaces import Settings
from rpcctl.messages import Trace
from rpcctl.service.dispatch import Service
from rpcctl.service.executor import make_executor
from rpcctl.service.methods import Method, Selection, dangers, expose
from rpcctl.service.outcome import OnDone
from rpcctl.service.target import Target, load, reload_all
from rpcctl.settings import check_given, fill_options

if TYPE_CHECKING:
    from rpcctl.service.processes import Processes

Targets = Sequence[str | Target]


class Server:
    """One target or several, served at one address or several, in threads of this process.

    A context manager: binds and serves on entry, stops on exit. `addresses` tells the real ports.
    """

    def __init__(
        self,
        target: Any,
        *addresses: str | Address,
        proto: str | None = None,
        selection: Selection = Selection(),
        app_dir: str | None = "",
        as_class: bool = False,
        executor: str = "threads",
        workers: int = 0,
        lock: bool = False,
        call_timeout: float | None = None,
        max_concurrent: int = 16384,
        max_wait: float = 10.0,
        max_message: int = 64 * 1024 * 1024,
        max_items: int = 10_000,
        use_repr: bool = False,
        tracebacks: bool = True,
        allow_remote: bool = False,
        options: Mapping[str, Any] | None = None,
        trace: Trace | None = None,
        note: Callable[[str], None] | None = None,
        on_done: OnDone | None = None,
    ) -> None:
        """Load the target and build its method table; nothing is bound yet.

        `target` is a target as typed, any object to expose, or a list of these. Without an address the protocol's
        default one is bound; `proto` decides what an address leaves open. With `workers`, so many processes run the
        calls, each with targets of its own, which must be named as text. `call_timeout` and `max_wait` are seconds,
        `max_message` bytes. `on_done` is told of each call that ended, `note` of what befalls a server. TargetError
        when there is nothing to serve; UsageError when a dangerous target would be reachable from other machines, or
        processes cannot share it.
        """
        self._targets = _list_targets(target)
        self._loading: dict[str, Any] = {"app_dir": app_dir, "as_class": as_class}
        self._selection = selection
        self._allow_remote = allow_remote
        answering: dict[str, Any] = {
            "lock": lock,
            "max_items": max_items,
            "use_repr": use_repr,
            "tracebacks": tracebacks,
        }
        # Before the targets are loaded here: processes begin where this one began.
        self._processes = self._make_processes(workers, answering, executor, max_wait) if workers else None
        self._loaded = [load(each, **self._loading) if isinstance(each, str) else each for each in self._targets]
        methods = expose(self._loaded, selection)
        self.service = Service(methods, name=", ".join(each.name for each in self._loaded), **answering)
        self.executor = make_executor(
            executor, call_timeout=call_timeout, max_concurrent=max_concurrent, max_wait=max_wait, on_done=on_done
        )
        self.dangers: list[str] = []
        places = _list_addresses(addresses, proto)
        settings = Settings(max_message=max_message, max_items=max_items, trace=trace)
        settings = settings._replace(note=note or settings.note)
        self._servers = _make_servers(places, options or {}, settings, given=bool(addresses))
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()
        self._failure: BaseException | None = None
        self._check_danger(methods)

    @property
    def addresses(self) -> list[Address]:
        """Where it is bound, one for each address asked for, complete enough to call."""
        return [server.address for server in self._servers]

    def __enter__(self) -> "Server":
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
        """Bind, then serve each address on a thread of its own; TargetError when a worker process cannot load."""
        self.bind()
        self._start_processes()
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

    def stop(self) -> None:
        """Flush what was answered and free the addresses. Safe to repeat."""
        for server in self._servers:
            server.close()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5.0)
        self.executor.close()
        if self._processes is not None:
            self._processes.close()
        self._stopped.set()

    def reload(self) -> None:
        """Load the targets anew and serve those from the next call on.

        TargetError when that fails; the old ones then go on.
        """
        loaded = self._load_anew()
        methods = expose(loaded, self._selection)
        self._check_danger(methods)
        if self._processes is not None:
            self._processes.renew()
        self.service.replace(methods)
        self._loaded = loaded

    def _load_anew(self) -> list[Target]:
        """The targets that were given as text from disk again; objects stay what they are."""
        texts = [isinstance(each, str) for each in self._targets]
        anew = iter(reload_all([each for each, text in zip(self._loaded, texts, strict=True) if text], **self._loading))
        return [next(anew) if text else each for each, text in zip(self._loaded, texts, strict=True)]

    def _check_danger(self, methods: Mapping[str, Method]) -> None:
        """Also after a reload: what was safe to offer to other machines must not become dangerous."""
        found = dangers(methods)
        if found and not self._allow_remote:
            _refuse_remote(found, self._servers)
        self.dangers = found

    def _make_processes(self, count: int, answering: dict[str, Any], executor: str, max_wait: float) -> "Processes":
        from rpcctl.service.processes import Processes, prepare

        setup = prepare(count, self._targets, self._loading, self._selection, answering, executor)
        return Processes(count, setup, local=lambda request: self.service.dispatch(request), max_wait=max_wait)

    def _start_processes(self) -> None:
        if self._processes is None:
            return
        try:
            self._processes.start()
        except BaseException:
            self.stop()
            raise

    def _serve(self, server: WireServer) -> None:
        handler = self.service.dispatch if self._processes is None else self._processes.dispatch
        try:
            server.serve(handler, self.executor)
        except BaseException as exc:
            self._failure = exc
            self._stopped.set()


def serve(target: Any, *addresses: str, grace: float = 10.0, **options: Any) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish the calls that run, for `grace` seconds; keywords as for `Server`.

    To be called from the main thread: signals reach no other.
    """
    from rpcctl.signals import run_until_signal

    run_until_signal(Server(target, *addresses, **options), grace=grace)


def load_service(targets: Sequence[str], selection: Selection = Selection(), **loading: Any) -> Service:
    """A service for targets that are called in this process."""
    loaded = [load(text, **loading) for text in targets]
    return Service(expose(loaded, selection), name=", ".join(target.name for target in loaded))


def _list_targets(target: Any) -> Targets:
    return tuple(map(_as_target, target if type(target) in (list, tuple) else [target]))


def _as_target(target: Any) -> str | Target:
    if isinstance(target, (str, Target)):
        return target
    name = getattr(target, "__name__", type(target).__name__)
    return Target(name, name, target, getattr(target, "__module__", "") or "")


def _list_addresses(addresses: Sequence[str | Address], proto: str | None) -> list[Address]:
    if not addresses:
        return [registry.default_address(registry.find(proto or registry.DEFAULT))]
    return [registry.parse_address(each, proto) if isinstance(each, str) else each for each in addresses]


def _make_servers(
    addresses: Sequence[Address], options: Mapping[str, Any], settings: Settings, *, given: bool
) -> list[WireServer]:
    """`given` tells whether the addresses were asked for: a default one is not bound when an option replaces it."""
    infos = [registry.find(at.protocol) for at in addresses]
    check_given(infos, "server", options)
    made = []
    for at, info in zip(addresses, infos, strict=True):
        own = fill_options(info, "server", at, options, os.environ)
        replaced = any(option.replaces_bind and own.get(option.name) for option in info.options)
        made.append(registry.server(at, settings._replace(options=own, bound=given or not replaced)))
    return made


def _refuse_remote(names: Sequence[str], servers: Sequence[WireServer]) -> None:
    for server in servers:
        if not server.address.is_loopback():
            shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            raise UsageError(
                f"{server.address} is reachable from other machines, and whoever reaches it could call {shown}",
                hint="bind 127.0.0.1, leave those out with --except, or add --allow-remote",
            )

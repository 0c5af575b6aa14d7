"""The serving side put together: targets to one service, one executor, one server for each address.

    with Server("calc", "tcp://127.0.0.1:0") as server:
        print(server.addresses)

`rpcctl serve` is this with signals and a log. Which protocols there are is known by the registry alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rpcctl.address import Address
from rpcctl.errors import UsageError
from rpcctl.listening import Listening, make_settings
from rpcctl.messages import Trace
from rpcctl.service.dispatch import Service
from rpcctl.service.executor import make_executor
from rpcctl.service.methods import Method, Selection, dangers, expose
from rpcctl.service.outcome import OnDone
from rpcctl.service.target import Target, load, reload_all

if TYPE_CHECKING:
    from rpcctl.service.processes import Processes

Targets = Sequence[str | Target]


class Server(Listening):
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
        on_done: OnDone | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        """Load the target and build its method table; nothing is bound yet.

        `target` is a target as typed, any object to expose, or a list of these. Without an address the protocol's
        default one is bound; `proto` decides what an address leaves open. With `workers`, so many processes run the
        calls, each with targets of its own, which must be named as text. `call_timeout` and `max_wait` are seconds,
        `max_message` bytes. `on_done` is told of each call that ended, `note` takes
        lines for a log. TargetError when there is nothing to serve;
        UsageError when a dangerous target would be reachable from other machines, or processes cannot share it.
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
        name = ", ".join(each.name for each in self._loaded)
        self.service = Service(methods, name=name, **answering)
        super().__init__(
            self.service.dispatch if self._processes is None else self._processes.dispatch,
            make_executor(
                executor, call_timeout=call_timeout, max_concurrent=max_concurrent, max_wait=max_wait, on_done=on_done
            ),
            addresses,
            proto=proto,
            settings=make_settings(max_message, max_items, trace, note, name),
            options=options,
            allow_remote=allow_remote,
        )
        self.executor.hosts_guests = self._processes is None
        self.dangers: list[str] = []
        self._check_danger(methods)

    def __enter__(self) -> "Server":
        """Bind and serve; TargetError when a worker process cannot load its targets."""
        self.start()
        return self

    def reload(self) -> None:
        """Load the targets anew, and what the servers read from files, and go by those from the next call on.

        TargetError, or what a server says of its files, when that fails; the old target then goes on.
        """
        loaded = self._load_anew()
        methods = expose(loaded, self._selection)
        self._check_danger(methods)
        self._reload_files()
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
            _refuse_remote(found, self.addresses)
        self.dangers = found

    def _make_processes(self, count: int, answering: dict[str, Any], executor: str, max_wait: float) -> "Processes":
        from rpcctl.service.processes import Processes, prepare

        setup = prepare(count, self._targets, self._loading, self._selection, answering, executor)
        return Processes(count, setup, local=lambda request: self.service.dispatch(request), max_wait=max_wait)

    def _prepare(self) -> None:
        if self._processes is not None:
            self._processes.start()

    def _release(self) -> None:
        if self._processes is not None:
            self._processes.close()


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


def _refuse_remote(names: Sequence[str], addresses: Sequence[Address]) -> None:
    for address in addresses:
        if not address.is_loopback():
            shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            raise UsageError(
                f"{address} is reachable from other machines, and whoever reaches it could call {shown}",
                hint="bind 127.0.0.1, leave those out with --except, or add --allow-remote",
            )

"""Serves a handler to Pyro's clients, as objects. Connections are in `rpcctl.sockets`, what they say in `session`."""

from threading import Lock
from typing import TYPE_CHECKING

from rpcctl.address import Address
from rpcctl.errors import AddressError, UsageError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.sockets.host import Host
from rpcctl.sockets.link import Link
from rpcctl.sockets.session import policy_of

from .description import DAEMON, META, WHOLE
from .naming import Registration
from .objects import Objects
from .session import Session, Shared
from .streams import Streams
from .tokens import read_token
from .uri import place_of, spell

if TYPE_CHECKING:
    import ssl


class Server:
    """Serves a handler at one address."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read certificate and token, if there are any; nothing is bound yet."""
        place = place_of(address)
        if place.lookup:
            raise AddressError(
                f"{address} can be called, and not be bound", hint="--pyro-ns HOST --pyro-name NAME registers a name"
            )
        options = settings.options
        self._name = place.object or _object_name(settings.name)
        if self._name in (DAEMON, META):
            raise AddressError(f"{address}: {self._name} is an object that every server has", hint="another name")
        self._settings = settings
        self._token = read_token(options)
        self._host = Host(
            place.at,
            policy_of(options, settings.max_message),
            self._begin,
            note=settings.note,
            tls=_tls_context(place.at, settings),
        )
        self._registration: Registration | None = None
        if options.get("pyro-ns") or options.get("pyro-name"):
            at, tags = options.get("pyro-ns") or "127.0.0.1", options.get("pyro-tag") or ()
            self._registration = Registration(at, options.get("pyro-name") or "", tags, settings)
        elif options.get("pyro-tag"):
            raise UsageError("--pyro-tag is for a name server", hint="--pyro-ns HOST[:PORT]")
        self._lock = Lock()

    @property
    def address(self) -> Address:
        """Where it is bound, with the real port and the object's name, as stock clients spell it."""
        return spell(self._host.address, self._name)

    def bind(self) -> None:
        """Take the address and register it: ConnectError when it is in use, or the name server cannot be reached."""
        self._host.bind()
        if self._registration is not None:
            try:
                self._registration.enter(self._host.address, self._name)
            except BaseException:
                self._host.close()
                raise

    def serve(self, handler: Handler, executor: Executor) -> None:
        """Serve on the calling thread until `close`."""
        self._shared = Shared(
            *(Objects(handler, self._name), handler, executor, self._settings, self._token),
            streams=Streams(),
            is_draining=lambda: self._host.draining,
        )
        self._host.serve(executor.welcome())

    def drain(self) -> None:
        """Accept no further connections and calls, and be found no more."""
        self._host.drain()
        self._unregister()

    def close(self) -> None:
        """Flush what was answered, free the address and let `serve` return. From any thread, safe to repeat."""
        self._unregister()
        self._host.close()

    def _begin(self, link: Link) -> Session:
        return Session(link, self._shared)

    def _unregister(self) -> None:
        with self._lock:
            registration, self._registration = self._registration, None
        if registration is not None:
            registration.leave()


def _object_name(name: str) -> str:
    """The name of what is served, if it can name an object."""
    usable = name and not any(each.isspace() or each in "@#/?" for each in name)
    return name if usable and name not in (DAEMON, META) else WHOLE


def _tls_context(at: Address, settings: Settings) -> "ssl.SSLContext | None":
    options = settings.options
    if at.transport != "tls":
        if options.get("cert") and not at.is_loopback():
            raise UsageError(f"{at} is not encrypted: --cert would do nothing", hint="pyro+tls://HOST:PORT")
        return None
    from rpcctl.http.tls import encrypting_context

    return encrypting_context(at, options)

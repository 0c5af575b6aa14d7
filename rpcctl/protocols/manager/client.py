"""Calls the objects of a manager: creates the one that the address names, calls it, and gives it back at the end.

A manager keeps what it created until it is given back, so `decref` goes out on every way that ends here. Objects of our
own servers have fixed idents and need neither.
"""

import os
from collections.abc import Iterator
from typing import Any

from rpcctl.address import Address
from rpcctl.described import from_plain
from rpcctl.errors import (
    ArgumentError,
    ConnectionLostError,
    DeadlineError,
    LocalProtocolError,
    MethodNotFoundError,
    RpcctlError,
)
from rpcctl.interfaces import Preview, Settings
from rpcctl.limits import Limit, first_limit, next_limit
from rpcctl.messages import INSPECT, PING, Deadline, End, Failure, Item, Reply, Request, Result
from rpcctl.turn import Turn

from . import codec, description, faults
from .codec import OWN_IDENT, Call, Proxy
from .keys import client_key
from .line import Line, dial
from .place import read_place

_PARTING = 2.0
"""Seconds at most for giving an object back."""
_COPY = "#GETVALUE"
"""The method of every object that gives a copy of it."""


class Client:
    """Calls one object of a manager. Usable from one thread at a time; `close` from any."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read the key; touches no network."""
        self._address = address
        self._settings = settings
        self._typeid, self._create_args = read_place(address, settings)
        self._key = client_key(settings.options, os.environ)
        self._ident = "" if self._typeid else OWN_IDENT
        self._exposed: tuple[str, ...] = ()
        self._line: Line | None = None
        self._is_ours = False
        self._closed = False
        self._turn = Turn(address)

    def connect(self, deadline: Deadline) -> None:
        """Reach the server and the object, or raise a TransportError that says why not, MethodNotFoundError or
        DeadlineError."""
        if self._closed:
            raise self._closed_error()
        try:
            if not self._ident:
                self._create(deadline)
            self._open(deadline)
        except (EOFError, OSError) as exc:
            if isinstance(exc, TimeoutError):
                raise DeadlineError(
                    f"{self._address}: no answer in time (--timeout)", hint="a longer --timeout"
                ) from exc
            raise ConnectionLostError(f"{self._address}: the connection was lost before anything was called") from exc

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yield its replies.

        What an object makes an iterator of is a stream. ArgumentError for what cannot be sent, ConnectionLostError,
        RemoteProtocolError or DeadlineError.
        """
        if request.method == INSPECT:
            yield self._inspect(request)
        elif request.method == PING:
            yield self._ping(request)
        else:
            found = self._ask(request, first_limit(request))
            if not isinstance(found, Proxy):
                yield found
            elif "__next__" in found.exposed:
                yield from self._iterate(found, request)
            else:
                yield self._copy(found, request)

    def preview(self, request: Request) -> list[Preview]:
        """What would be sent first."""
        from .previews import preview

        return preview(self._typeid, self._create_args, request, self._pack)

    def close(self) -> None:
        """Free the connection and give the object back; calls that wait raise ConnectionLostError. Safe to repeat."""
        self._closed = True
        line, self._line = self._line, None
        if line is not None:
            line.shut()
        ident, self._ident = self._ident, OWN_IDENT
        self._release(ident)

    # What a manager is asked beside calls.

    def _create(self, deadline: Deadline) -> None:
        kind, value = self._administer(Call(None, "create", (self._typeid, *self._create_args)), deadline)
        if kind != codec.RETURN or type(value) is not list or len(value) != 2 or type(value[0]) is not str:
            raise self._explain(faults.from_reply(kind, value, "create", self._typeid))
        self._ident = value[0]
        self._exposed = tuple(each for each in value[1] if type(each) is str) if type(value[1]) is list else ()
        self._note("*", f"{self._typeid} is {self._ident}")

    def _administer(self, call: Call, deadline: Deadline) -> tuple[str, Any]:
        """Ask the manager itself, which hangs up after its answer."""
        line = dial(self._address, self._key, self._settings, deadline)
        try:
            return line.ask(self._pack(call), deadline)
        finally:
            line.shut()

    def _release(self, ident: str) -> None:
        """Give an object back; one that cannot be is the server's to keep."""
        if not ident or (description.prefix_of(ident) is not None):
            return
        try:
            self._administer(Call(None, "decref", (ident,)), Deadline.after(_PARTING))
        except (RpcctlError, OSError, EOFError) as exc:
            self._note("*", f"{ident} could not be given back: {exc}")

    def _open(self, deadline: Deadline) -> Line:
        line = dial(self._address, self._key, self._settings, deadline)
        try:
            kind, value = line.ask(self._pack(Call(None, "accept_connection", (OWN_IDENT,))), deadline)
        except BaseException:
            line.shut()
            raise
        if kind != codec.RETURN:
            line.shut()
            raise self._explain(faults.from_reply(kind, value, "accept_connection", ""))
        self._is_ours = type(value) is dict and OWN_IDENT in value
        self._line = line
        if self._closed:
            line.shut()
        self._note("*", f"connected to {self._address}")
        return line

    def _explain(self, failure: Failure) -> RpcctlError:
        if failure.kind == "no_method":
            return MethodNotFoundError(
                f"{self._address}: there is no typeid {self._typeid!r}", hint="as the manager's program registers it"
            )
        return LocalProtocolError(f"{self._address}: the manager refuses: {failure.type}: {failure.message}")

    # Calls.

    def _ask(self, request: Request, limit: Limit, ident: str = "") -> "Result | Failure | Proxy":
        ident = ident or self._ident
        data = self._pack(Call(ident, request.method, request.args, request.kwargs))
        with self._turn.within(limit.deadline):
            return self._exchange(request, limit, ident, data)

    def _exchange(self, request: Request, limit: Limit, ident: str, data: bytes) -> "Result | Failure | Proxy":
        line = self._current(limit, request)
        self._note(">", f"{request.method} {list(request.args)!r} of {ident}", data)
        try:
            kind, value = line.ask(data, limit.deadline)
        except TimeoutError:
            # What comes later would be taken for the answer to the next call.
            self._drop(line)
            raise limit.error(request) from None
        except (EOFError, OSError) as exc:
            self._drop(line)
            raise ConnectionLostError(
                f"{request.method}: the connection was lost before the reply; the call may have run"
            ) from exc
        except BaseException:
            self._drop(line)
            raise
        return self._read(kind, value, request, ident)

    def _read(self, kind: str, value: Any, request: Request, ident: str) -> "Result | Failure | Proxy":
        self._note("<", f"{kind} {value!r}"[:4096])
        if kind == codec.RETURN:
            return Result(value)
        if kind == codec.PROXY:
            return value  # type: ignore[no-any-return]  # as read_reply has it
        failure = faults.from_reply(kind, value, request.method, ident)
        if failure.kind == "no_method" and failure.message == ident == OWN_IDENT and not self._is_ours:
            raise MethodNotFoundError(
                f"{self._address} names none of the manager's objects",
                hint=f"{self._address}/TYPEID, as it is registered",
            )
        return failure

    def _iterate(self, proxy: Proxy, request: Request) -> Iterator[Reply]:
        step = request._replace(method="__next__", args=(), kwargs={})
        limit, over = first_limit(request), False
        try:
            while not over:
                found = self._ask(step, limit, proxy.ident)
                over = not isinstance(found, Result)
                yield _read_step(found)
                limit = next_limit(request)
        finally:
            if not over:
                self._abandon(proxy, step)
            self._release(proxy.ident)

    def _abandon(self, proxy: Proxy, step: Request) -> None:
        if self._line is None or "close" not in proxy.exposed:
            return
        try:
            self._ask(step._replace(method="close", deadline=Deadline.after(_PARTING)), first_limit(step), proxy.ident)
        except RpcctlError:
            pass  # It goes with its connection.

    def _copy(self, proxy: Proxy, request: Request) -> Reply:
        """What a result holds that stays at the server; its repr when it cannot be sent."""
        try:
            for method in (_COPY, "__repr__"):
                found = self._ask(
                    request._replace(method=method, args=(), kwargs={}), first_limit(request), proxy.ident
                )
                if isinstance(found, Result):
                    break
            return found if not isinstance(found, Proxy) else Failure("protocol", "TypeError", "a proxy of a proxy")
        finally:
            self._release(proxy.ident)

    def _ping(self, request: Request) -> Reply:
        if self._is_ours:
            found = self._ask(request, first_limit(request))
            return found if isinstance(found, Failure) else Result(found.value if isinstance(found, Result) else "")
        try:
            self._administer(Call(None, "dummy"), request.deadline)
        except TimeoutError:
            raise first_limit(request).error(request) from None
        except (EOFError, OSError) as exc:
            raise ConnectionLostError(f"{self._address}: the connection was lost before the reply") from exc
        return Result("")

    def _inspect(self, request: Request) -> Reply:
        if not self._is_ours and self._exposed:
            return Result(description.from_names(self._typeid, self._exposed))
        found = self._ask(request, first_limit(request))
        if isinstance(found, Failure):
            return found
        return Result(from_plain(found.value if isinstance(found, Result) else None))

    def _current(self, limit: Limit, request: Request) -> Line:
        """The connection, or a new one in place of one that is gone: nothing was sent on it."""
        line = self._line
        if line is not None and not line.is_stale():
            return line
        if line is not None:
            self._drop(line)
        if self._closed:
            raise self._closed_error()
        try:
            return self._open(limit.deadline)
        except TimeoutError:
            raise limit.error(request) from None
        except (EOFError, OSError) as exc:
            raise ConnectionLostError(f"{self._address}: the connection was lost; the call was not sent") from exc

    def _drop(self, line: Line) -> None:
        line.shut()
        self._line = None

    def _pack(self, call: Call) -> bytes:
        try:
            return codec.write((call.ident, call.method, call.args, dict(call.kwargs)), self._settings.max_message)
        except LocalProtocolError as exc:
            raise ArgumentError(f"{call.method}: {exc.message}", hint=exc.hint) from exc

    def _note(self, direction: str, text: str, data: bytes | None = None) -> None:
        if self._settings.trace is not None:
            self._settings.trace(direction, text, data)

    def _closed_error(self) -> RpcctlError:
        return ConnectionLostError(f"{self._address}: the connection is closed")


def _read_step(found: "Result | Failure | Proxy") -> Reply:
    if isinstance(found, Result):
        return Item(found.value)
    if isinstance(found, Proxy):
        return Failure("protocol", "TypeError", "an item that is a proxy")
    return End() if found.type == "StopIteration" else found

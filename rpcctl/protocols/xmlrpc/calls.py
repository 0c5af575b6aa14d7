"""What a server does with a body: the call in it goes to the executor, and its answer comes back as bytes.

Transport-free: a body comes in, and `done` takes the answer, from any thread. Nothing that a client sends raises.
"""

from collections.abc import Callable
from threading import Thread
from typing import Any

from rpcctl.errors import LocalProtocolError
from rpcctl.interfaces import Executor, Handler, Run, Settings
from rpcctl.messages import INSPECT, End, Failure, Item, Reply, Request, Result

from . import INFO, codec, faults
from .reader import MalformedError
from .system import INSPECTING, System, too_many, unwritable

Done = Callable[[bytes], None]
_LARGE = 64 * 1024
"""Bytes from which on a body is parsed on a thread of its own, not on the one that moves everybody's bytes."""
_SHOWN = 4096
_ENCODING = INFO.encoding._replace(nan=True)
"""Of results: NaN becomes a fault, since text in the place of a number would go unnoticed."""


class Exchange:
    """Takes bodies for one handler."""

    def __init__(self, handler: Handler, executor: Executor, settings: Settings) -> None:
        """Nothing runs yet."""
        self.types = codec.types_of(settings.options)
        self.max_message = settings.max_message
        self.max_items = settings.max_items
        most = settings.options.get("max-batch") or 1000
        self._dispatch = System(handler, self.types, most, settings.max_items).dispatch
        self._handler = handler
        self._executor = executor
        self._trace = settings.trace

    def take(self, body: bytes, peer: str, done: Done) -> None:
        """Run what a client sent. Returns at once; with an executor that runs calls inline, when they are over."""
        if len(body) < _LARGE:
            self._run(body, peer, done)
        else:
            Thread(target=self._run, args=(body, peer, done), name="rpcctl-xmlrpc", daemon=True).start()

    def describe(self, done: Callable[[Reply], None], peer: str) -> None:
        """Ask for a Description; `done` takes the Result that holds it, or a Failure."""
        request = Request(INSPECT, encoding=_ENCODING, peer=peer)
        self._executor.submit(self._handler, request, _Told(done))

    def _run(self, body: bytes, peer: str, done: Done) -> None:
        if self._trace is not None:
            self._trace("<", body[:_SHOWN].decode("utf-8", "replace"), body)
            done = self._traced(done)
        try:
            call = codec.read_call(body)
        except MalformedError as exc:
            done(codec.write_fault(exc.code, exc.message))
            return
        except Exception as exc:  # Of memory there may be too little, and somebody waits for an answer.
            done(codec.write_fault(faults.INTERNAL, f"the call could not be read: {type(exc).__name__}"))
            return
        request = Request(call.method, tuple(call.args), encoding=_ENCODING, peer=peer)
        answer = Answer(self, call.method, done)
        answer.attach(self._submit(request, answer))

    def _submit(self, request: Request, answer: "Answer") -> Run:
        most = self.max_items + 1
        if request.method not in INSPECTING:
            return self._executor.submit(self._dispatch, request, answer, most)
        # Whoever logs and counts calls is to see what every protocol calls it.
        inspecting = request._replace(method=INSPECT, args=())
        return self._executor.submit(lambda _: self._dispatch(request), inspecting, answer, most)

    def _traced(self, done: Done) -> Done:
        trace = self._trace
        assert trace is not None

        def send(data: bytes) -> None:
            trace(">", data[:_SHOWN].decode("utf-8", "replace"), data)
            done(data)

        return send


class Answer:
    """The Sink of one call: collects a stream into a list, and encodes on the thread that ran the call."""

    def __init__(self, exchange: Exchange, method: str, done: Done) -> None:
        """`done` is called with the answer, once."""
        self._exchange = exchange
        self._method = method
        self._done = done
        self._items: list[Any] = []
        self._over = False
        self._excessive = False
        self._run: Run | None = None

    def attach(self, run: Run) -> None:
        """Take the run, to cancel it when its stream is too long; that may have happened already."""
        self._run = run
        if self._excessive:
            run.cancel()

    def deliver(self, reply: Reply) -> None:
        """Keep an item; answer with what ends the call."""
        if isinstance(reply, Item):
            self._items.append(reply.value)
        elif not self._over:
            data = self._encode(Result(self._items) if isinstance(reply, End) else reply)
            self._over = True
            self._done(data)

    def paused(self) -> None:
        """More items came than a list may have."""
        self._items.clear()
        self.deliver(too_many(self._method, self._exchange.max_items))
        self._excessive = True
        if self._run is not None:
            self._run.cancel()

    def ended(self) -> None:
        """Answer a call that came to its end without an answer."""
        self.deliver(Failure("remote", "RuntimeError", f"{self._method} ended without an answer"))

    def _encode(self, reply: Result | Failure) -> bytes:
        try:
            return self._write(reply)
        except LocalProtocolError as exc:
            return self._write(unwritable(self._method, exc))

    def _write(self, reply: Result | Failure) -> bytes:
        if isinstance(reply, Failure):
            return codec.write_fault(*faults.to_fault(reply))
        data = codec.write_reply(reply.value, self._exchange.types)
        if len(data) > self._exchange.max_message:
            raise LocalProtocolError(f"{len(data)} bytes, {self._exchange.max_message} are allowed (--max-message)")
        return data


class _Told:
    """The Sink of a call with one reply that stays in this process."""

    def __init__(self, done: Callable[[Reply], None]) -> None:
        self._done = done

    def deliver(self, reply: Reply) -> None:
        self._done(reply)

    def paused(self) -> None:
        pass  # Cannot be: it has no allowance.

    def ended(self) -> None:
        pass

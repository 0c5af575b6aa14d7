"""What a server does with a body: its calls go to the executor, all at once, and their answers come back as one body.

Transport-free: a body comes in, and `done` takes the answer, from any thread. Nothing that a client sends raises.
"""

from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

from rpcctl.interfaces import Executor, Handler, Run, Settings
from rpcctl.messages import INSPECT, PING, Description, End, Failure, Item, Reply, Request, Result

from . import INFO, codec, discovery
from .codec import Call, Received, Refusal

Done = Callable[[bytes], None]
"""Takes the answer, which is empty when there were only notifications; called once."""
_RESERVED = (INSPECT, PING)
_LARGE = 256 * 1024
"""Bytes from which on a body is parsed on a thread of its own, not on the one that moves everybody's bytes."""
_SLACK = 4096


class Exchange:
    """Takes bodies for one handler."""

    def __init__(self, handler: Handler, executor: Executor, settings: Settings, rules: codec.Rules) -> None:
        """Nothing runs yet."""
        self._handler = handler
        self._executor = executor
        self._settings = settings
        self._rules = rules

    def take(self, body: bytes, peer: str, done: Done) -> None:
        """Run what a client sent. Returns at once; with an executor that runs calls inline, when they are over."""
        if len(body) < _LARGE:
            self._run(body, peer, done)
        else:
            Thread(target=self._run, args=(body, peer, done), name="rpcctl-jsonrpc", daemon=True).start()

    def describe(self, done: Callable[[Description], None]) -> None:
        """Ask the handler what it offers; `done` gets an empty description when it does not tell."""
        self._executor.submit(self._handler, Request(INSPECT, encoding=INFO.encoding), _Asked(done))

    def _run(self, body: bytes, peer: str, done: Done) -> None:
        if self._settings.trace is not None:
            self._settings.trace("<", body[:_SLACK].decode("utf-8", "replace"), body)
            done = self._traced(done)
        received: Received = codec.read_body(body, self._rules)
        if type(received) is list:
            self._run_batch(received, peer, done)
        elif isinstance(received, Refusal):
            done(codec.write_refusal(received))
        elif isinstance(received, Call):
            if received.notification:
                self._run_silently(received, peer)
                done(b"")
            else:
                self._run_call(received, peer, done)

    def _run_batch(self, batch: list[Call | Refusal], peer: str, done: Done) -> None:
        calls = [each for each in batch if isinstance(each, Call) and not each.notification]
        answers = [codec.write_refusal(each) for each in batch if isinstance(each, Refusal)]
        gathered = _Gathered(answers, len(calls), self._settings.max_message, done)
        for each in batch:
            if isinstance(each, Call) and each.notification:
                self._run_silently(each, peer)
        for call in calls:
            self._run_call(call, peer, gathered.taker(call))
        if not calls:
            done(codec.write_batch(answers))

    def _run_call(self, call: Call, peer: str, done: Done) -> None:
        most = self._settings.max_items
        answer = Answer(call, self._settings.max_message, most, done)
        if call.method in _RESERVED:
            answer.deliver(Failure("no_method", "NameError", call.method))
            return
        if call.method in discovery.BUILTINS:
            request = Request(INSPECT, encoding=INFO.encoding, peer=peer)
        else:
            request = Request(call.method, call.args, call.kwargs, encoding=INFO.encoding, context=call.more, peer=peer)
        answer.attach(self._executor.submit(self._handler, request, answer, most + 1))

    def _run_silently(self, call: Call, peer: str) -> None:
        if call.method in _RESERVED or call.method in discovery.BUILTINS:
            return
        request = Request(
            call.method, call.args, call.kwargs, oneway=True, encoding=INFO.encoding, context=call.more, peer=peer
        )
        self._executor.submit(self._handler, request, Silence())

    def _traced(self, done: Done) -> Done:
        trace = self._settings.trace
        assert trace is not None

        def send(data: bytes) -> None:
            trace(">", data[:_SLACK].decode("utf-8", "replace"), data)
            done(data)

        return send


class Answer:
    """The Sink of one call: collects a stream into a list, and encodes on the thread that ran the call."""

    def __init__(self, call: Call, max_message: int, max_items: int, done: Done) -> None:
        """`done` is called with the answer of this call."""
        self._call = call
        self._max_message = max_message
        self._max_items = max_items
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
        """Keep an item; encode what ends the call."""
        if isinstance(reply, Item):
            self._items.append(reply.value)
            return
        if self._over:
            return
        if isinstance(reply, End):
            reply = Result(self._items)
        elif isinstance(reply, Result) and isinstance(reply.value, Description):
            reply = discovery.answer(self._call.method, self._call.args, self._call.kwargs, reply.value)
        data = self._encode(reply)
        self._over = True
        self._done(data)

    def paused(self) -> None:
        """More items came than a list may have."""
        self._items.clear()
        self.deliver(
            Failure("remote", "OverflowError", f"the stream has more than {self._max_items} items (--max-items)")
        )
        self._excessive = True
        if self._run is not None:
            self._run.cancel()

    def ended(self) -> None:
        """Answer a call that came to its end without an answer."""
        if not self._over:
            self.deliver(Failure("remote", "RuntimeError", f"{self._call.method} ended without an answer"))

    def _encode(self, reply: Reply) -> bytes:
        try:
            data = codec.write_reply(reply, self._call)
        except (TypeError, ValueError, RecursionError) as exc:
            return self._refuse(f"the result of {self._call.method} cannot be sent: {exc}")
        if len(data) > self._max_message:
            return self._refuse(_too_large(len(data), self._max_message))
        return data

    def _refuse(self, why: str) -> bytes:
        return codec.write_reply(Failure("remote", "TypeError", why), self._call)


class Silence:
    """The Sink of notifications: nobody is told anything."""

    def deliver(self, reply: Reply) -> None:
        """Drop it."""

    def paused(self) -> None:
        """Cannot be: a notification has no allowance."""

    def ended(self) -> None:
        """Nobody waits."""


class _Asked:
    """The Sink of a question for the description."""

    def __init__(self, done: Callable[[Description], None]) -> None:
        self._done = done
        self._found = Description("", ())

    def deliver(self, reply: Reply) -> None:
        if isinstance(reply, Result) and isinstance(reply.value, Description):
            self._found = reply.value

    def paused(self) -> None:
        """Cannot be: it has no allowance."""

    def ended(self) -> None:
        self._done(self._found)


class _Gathered:
    """The answers of a batch, of which the last one to come sends all."""

    def __init__(self, answers: list[bytes], calls: int, max_message: int, done: Done) -> None:
        self._answers = answers
        self._left = calls
        self._size = sum(map(len, answers))
        self._max_message = max_message
        self._done = done
        self._lock = Lock()

    def taker(self, call: Call) -> Done:
        """What takes the answer of that call."""
        return lambda data: self._add(call, data)

    def _add(self, call: Call, data: bytes) -> None:
        with self._lock:
            size = self._size + len(data)
            if size > self._max_message:
                why = f"the batch: {_too_large(size, self._max_message)}"
                data = codec.write_reply(Failure("remote", "OverflowError", why), call)
            self._size += len(data)
            self._answers.append(data)
            self._left -= 1
            last = not self._left
        if last:
            self._done(codec.write_batch(self._answers))


def _too_large(size: int, most: int) -> str:
    return f"the answer has {size} bytes, {most} are allowed (--max-message)"

"""What a server does with a body: its calls go to the executor, all at once, and their answers come back as one body.

Transport-free: a body comes in, and `done` takes the answer, from any thread. Nothing that a client sends raises.
"""

from collections.abc import Callable
from threading import Lock

from rpcctl.answers import SILENCE, too_large, unwritable
from rpcctl.http import calls
from rpcctl.http.calls import UNREADABLE, Done
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import INSPECT, PING, Description, Failure, Reply, Request, Result

from . import INFO, codec, discovery, faults
from .codec import Call, Received, Refusal

_RESERVED = (INSPECT, PING)


_ENCODING = INFO.encoding._replace(nan=True)
"""Of results: NaN becomes an error, since text in the place of a number would go unnoticed."""


class Exchange(calls.Exchange):
    """Takes bodies for one handler."""

    large = 256 * 1024

    def __init__(self, handler: Handler, executor: Executor, settings: Settings, rules: codec.Rules) -> None:
        """Nothing runs yet."""
        super().__init__(handler, executor, settings, _ENCODING)
        self._rules = rules

    def run(self, body: bytes, peer: str, done: Done) -> None:
        """Run a call, or all calls of a batch."""
        received: Received = codec.read_body(body, self._rules)
        if type(received) is list:
            self._run_batch(received, peer, done)
        elif isinstance(received, Refusal):
            self.refuse(UNREADABLE, peer, _word(received))
            done(codec.write_refusal(received))
        elif isinstance(received, Call):
            if received.notification:
                self._run_silently(received, peer)
                done(b"")
            else:
                self._run_call(received, peer, done)

    def _run_batch(self, batch: list[Call | Refusal], peer: str, done: Done) -> None:
        calls = [each for each in batch if isinstance(each, Call) and not each.notification]
        refused = [each for each in batch if isinstance(each, Refusal)]
        if refused:
            self.refuse(UNREADABLE, peer, f"{_word(refused[0])}; {len(refused)} of a batch of {len(batch)}")
        answers = [codec.write_refusal(each) for each in refused]
        gathered = _Gathered(answers, len(calls), self.settings.max_message, done)
        for each in batch:
            if isinstance(each, Call) and each.notification:
                self._run_silently(each, peer)
        for call in calls:
            self._run_call(call, peer, gathered.taker(call))
        if not calls:
            done(codec.write_batch(answers))

    def _run_call(self, call: Call, peer: str, done: Done) -> None:
        answer = Answer(call, self.settings, done)
        if call.method in _RESERVED:
            answer.deliver(Failure("no_method", "NameError", call.method))
            return
        if call.method in discovery.BUILTINS:
            request = Request(INSPECT, encoding=_ENCODING, peer=peer)
        else:
            request = Request(call.method, call.args, call.kwargs, encoding=_ENCODING, context=call.more, peer=peer)
        self.executor.submit(self.handler, request, answer)

    def _run_silently(self, call: Call, peer: str) -> None:
        if call.method in _RESERVED or call.method in discovery.BUILTINS:
            return
        request = Request(
            call.method, call.args, call.kwargs, oneway=True, encoding=_ENCODING, context=call.more, peer=peer
        )
        self.executor.submit(self.handler, request, SILENCE)


class Answer(calls.Answer):
    """The Sink of one call."""

    def __init__(self, call: Call, settings: Settings, done: Done) -> None:
        """`done` takes the answer, once."""
        super().__init__(call.method, settings, done)
        self._call = call

    def write(self, reply: Result | Failure) -> tuple[bytes, Reply]:
        """The response, or the error that says why there is none."""
        if isinstance(reply, Result) and isinstance(reply.value, Description):
            reply = discovery.answer(self.method, self._call.args, self._call.kwargs, reply.value)
        try:
            data = codec.write_reply(reply, self._call)
        except (TypeError, ValueError, RecursionError) as exc:
            return self._refuse(exc)
        if len(data) > self.max_message:
            return self._refuse(too_large(len(data), self.max_message))
        return data, reply

    def _refuse(self, why: object) -> tuple[bytes, Reply]:
        failure = unwritable(self.method, why)
        return codec.write_reply(failure, self._call), failure


class _Gathered:
    """The answers of a batch, of which the last one to come sends all."""

    def __init__(self, answers: list[bytes], calls: int, max_message: int, done: Done) -> None:
        self._answers = answers
        self._left = calls
        self._size = sum(map(len, answers))
        self._max_message = max_message
        self._done = done
        self._lock = Lock()

    def taker(self, call: Call) -> Callable[[bytes], None]:
        """What takes the answer of that call."""
        return lambda data: self._add(call, data)

    def _add(self, call: Call, data: bytes) -> None:
        with self._lock:
            size = self._size + len(data)
            if size > self._max_message:
                why = f"the batch: {too_large(size, self._max_message)}"
                data = codec.write_reply(Failure("remote", "OverflowError", why), call)
            self._size += len(data)
            self._answers.append(data)
            self._left -= 1
            last = not self._left
        if last:
            self._done(codec.write_batch(self._answers))


def _word(refusal: Refusal) -> str:
    """Why, for the log: not JSON's own complaint, which quotes what was sent."""
    return f"{refusal.code} {'Parse error' if refusal.code == faults.PARSE_ERROR else refusal.message}"

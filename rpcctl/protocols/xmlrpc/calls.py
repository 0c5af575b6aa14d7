"""What a server does with a body: the call in it goes to the executor, and its answer comes back as bytes.

Transport-free: a body comes in, and `done` takes the answer, from any thread. Nothing that a client sends raises.
"""

from rpcctl.answers import too_large, unwritable
from rpcctl.errors import LocalProtocolError
from rpcctl.http import calls
from rpcctl.http.calls import UNREADABLE, Done
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import INSPECT, Failure, Reply, Request, Result

from . import INFO, codec, faults
from .reader import DEFAULT_LIMITS, INVALID_PARAMS, NOT_WELL_FORMED, MalformedError
from .system import INSPECTING, System

_ENCODING = INFO.encoding._replace(nan=True)
"""Of results: NaN becomes a fault, since text in the place of a number would go unnoticed."""


_WORDS = {NOT_WELL_FORMED: "not well-formed", INVALID_PARAMS: "wrong parameters"}


class Exchange(calls.Exchange):
    """Takes bodies for one handler."""

    def __init__(self, handler: Handler, executor: Executor, settings: Settings) -> None:
        """Nothing runs yet."""
        super().__init__(handler, executor, settings, _ENCODING)
        self.types = codec.types_of(settings.options)
        most = settings.options.get("max-batch") or 1000
        self._limits = DEFAULT_LIMITS._replace(depth=settings.options.get("max-depth") or DEFAULT_LIMITS.depth)
        self._dispatch = System(handler, self.types, most, settings.max_items).dispatch

    def run(self, body: bytes, peer: str, done: Done) -> None:
        """Run the one call."""
        try:
            call = codec.read_call(body, self._limits)
        except MalformedError as exc:
            # Its text may quote what was sent.
            self.refuse(UNREADABLE, peer, f"{exc.code} {_WORDS.get(exc.code, 'no call')}")
            done(codec.write_fault(exc.code, exc.message))
            return
        except Exception as exc:  # Of memory there may be too little, and somebody waits for an answer.
            done(codec.write_fault(faults.INTERNAL, f"the call could not be read: {type(exc).__name__}"))
            return
        request = Request(call.method, tuple(call.args), encoding=_ENCODING, peer=peer)
        self._submit(request, Answer(call.method, self.settings, self.types, done))

    def _submit(self, request: Request, answer: "Answer") -> None:
        if request.method not in INSPECTING:
            self.executor.submit(self._dispatch, request, answer)
            return
        # Whoever logs and counts calls is to see what every protocol calls it.
        inspecting = request._replace(method=INSPECT, args=())
        self.executor.submit(lambda _: self._dispatch(request), inspecting, answer)


class Answer(calls.Answer):
    """The Sink of one call."""

    def __init__(self, method: str, settings: Settings, types: codec.Types, done: Done) -> None:
        """`done` takes the answer, once."""
        super().__init__(method, settings, done)
        self._types = types

    def write(self, reply: Result | Failure) -> tuple[bytes, Reply]:
        """The response, or the fault that says why there is none."""
        if isinstance(reply, Failure):
            return codec.write_fault(*faults.to_fault(reply)), reply
        try:
            data = codec.write_reply(reply.value, self._types)
        except LocalProtocolError as exc:
            return self.write(unwritable(self.method, exc.message))
        if len(data) > self.max_message:
            return self.write(unwritable(self.method, too_large(len(data), self.max_message)))
        return data, reply

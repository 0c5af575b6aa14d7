"""`Service.dispatch`, the only dispatcher: a request in, replies out, whatever the caller asks and the method does.

Steps of sync methods run on the thread that asks for the next reply, steps of async ones on the event loop. Knows the
method table by its contract, and no wire, executor or terminal.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from rpcctl.errors import InvalidArgumentsError
from rpcctl.messages import ENDS, INSPECT, PING, Description, End, Failure, Item, Reply, Request, Result
from rpcctl.outcomes import silently
from rpcctl.service.failures import failure_of, fault_of
from rpcctl.service.loop import Blocking, close_async, wait_for
from rpcctl.service.plain import NotPlainError, plain
from rpcctl.service.stdio import warn
from rpcctl.service.turns import Turns

if TYPE_CHECKING:
    from rpcctl.service.methods import Method

_ASYNC = frozenset({"coroutine", "async_generator"})
_SIMPLE = frozenset({type(None), bool, int, float, str, bytes, list, tuple, dict})
"""Types of which it is known that they are neither awaited nor iterated over: most results skip the looking."""


class _Served:
    """The table and what is said of it, in one object so that both are replaced in one instant."""

    def __init__(self, methods: "Mapping[str, Method]", name: str, doc: str) -> None:
        self.methods = methods
        self.name = name
        self.doc = doc

    @cached_property
    def description(self) -> Description:
        # Made when it is asked for: reading the signatures of hundreds of methods takes longer than serving them.
        return Description(self.name, tuple(method.description for method in self.methods.values()), self.doc)


class Service:
    """Methods, callable by name; `dispatch` is a Handler."""

    def __init__(
        self,
        methods: "Mapping[str, Method]",
        *,
        name: str = "",
        doc: str = "",
        lock: bool = False,
        max_items: int = 10_000,
        use_repr: bool = False,
        tracebacks: bool = True,
    ) -> None:
        """`lock` lets one step of the target's code run at a time; `max_items` bounds iterators inside results.

        `use_repr` sends the repr() of what has no plain form, instead of a Failure; `tracebacks` sends tracebacks.
        """
        self._served = _Served(methods, name, doc)
        self._turn: Turns | nullcontext[None] = Turns() if lock else nullcontext()
        self._plain = partial(plain, max_items=max_items, use_repr=use_repr)
        self._failure = partial(failure_of, traceback=tracebacks)

    @property
    def description(self) -> Description:
        """What `Request(INSPECT)` is answered with."""
        return self._served.description

    def replace(self, methods: "Mapping[str, Method]", *, name: str | None = None, doc: str | None = None) -> None:
        """Serve other methods from now on; calls that run finish on the old ones. None keeps the name or doc."""
        old = self._served
        self._served = _Served(methods, old.name if name is None else name, old.doc if doc is None else doc)

    def dispatch(self, request: Request) -> Iterator[Reply]:
        """Run one call: a Result or Failure, or Items and then End or Failure; never raises for what a method did.

        A one-way call runs to its end and yields nothing; its last reply is the value of the StopIteration.
        The replies of an async method are an async iterator too, which on the event loop occupies no thread. An
        awaitable that an ordinary function returns is awaited on the loop as well, but blocks the calling thread.
        """
        served = self._served
        method = served.methods.get(request.method)
        if method is None:
            replies = self._not_in_table(request, served)
        elif method.kind in _ASYNC:
            return LoopReplies(self._replies_on_loop(method, request), request.oneway)
        else:
            replies = self._replies(method, request)
        return silently(replies) if request.oneway else replies

    def _not_in_table(self, request: Request, served: _Served) -> Iterator[Reply]:
        if request.method == PING:
            yield Result(served.name)
            return
        if request.method != INSPECT:
            yield Failure("no_method", "NameError", request.method)
            return
        try:
            reply: Reply = Result(served.description)
        except BaseException as exc:
            reply = self._failure(exc)
        yield reply

    def _replies(self, method: "Method", request: Request) -> Iterator[Reply]:
        with self._turn:
            first = self._start(method, request)
        if not isinstance(first, _Stream):
            yield first
            return
        try:
            reply: Reply = Item(None)
            while isinstance(reply, Item):
                with self._turn:
                    reply = self._step(first.items, request)
                yield reply
        finally:
            with self._turn:
                _close(first.items, method.name)

    def _start(self, method: "Method", request: Request) -> "Reply | _Stream":
        bound = self._bind(method, request)
        if isinstance(bound, Failure):
            return bound
        args, kwargs = bound
        try:
            value = method.function(*args, **kwargs)
            if type(value) in _SIMPLE:
                return self._result(value, request)
            if hasattr(type(value), "__await__"):
                value = wait_for(value)
            if hasattr(type(value), "__anext__"):
                return _Stream(Blocking(value))
            return _Stream(value) if _is_iterator(value) else self._result(value, request)
        except BaseException as exc:
            return self._failure(exc)

    def _step(self, items: Iterator[Any], request: Request) -> Reply:
        try:
            return Item(self._plain(next(items), request.encoding))
        except StopIteration:
            return End()
        except NotPlainError as exc:
            return _not_plain(exc, request.method)
        except BaseException as exc:
            return self._failure(exc)

    async def _replies_on_loop(self, method: "Method", request: Request) -> AsyncGenerator[Reply, None]:
        async with self._turn:
            first = await self._start_on_loop(method, request)
        if not isinstance(first, _AsyncStream):
            yield first
            return
        try:
            reply: Reply = Item(None)
            while isinstance(reply, Item):
                async with self._turn:
                    reply = await self._step_on_loop(first.items, request)
                yield reply
        finally:
            async with self._turn:
                await close_async(first.items)

    async def _start_on_loop(self, method: "Method", request: Request) -> "Reply | _AsyncStream":
        bound = self._bind(method, request)
        if isinstance(bound, Failure):
            return bound
        args, kwargs = bound
        try:
            value = method.function(*args, **kwargs)
            if hasattr(type(value), "__await__"):
                value = await value
            if hasattr(type(value), "__anext__"):
                return _AsyncStream(value)
            return _AsyncStream(_stepped(value, method.name)) if _is_iterator(value) else self._result(value, request)
        except BaseException as exc:
            return self._failure(exc)

    async def _step_on_loop(self, items: AsyncIterator[Any], request: Request) -> Reply:
        try:
            return Item(self._plain(await items.__anext__(), request.encoding))
        except StopAsyncIteration:
            return End()
        except NotPlainError as exc:
            return _not_plain(exc, request.method)
        except BaseException as exc:
            return self._failure(exc)

    def _bind(self, method: "Method", request: Request) -> tuple[tuple[Any, ...], Mapping[str, Any]] | Failure:
        try:
            return method.bind(request.args, request.kwargs, request.context)
        except InvalidArgumentsError as exc:
            return Failure("arguments", exc.type or "TypeError", exc.message)
        except BaseException as exc:
            return self._failure(exc)

    def _result(self, value: Any, request: Request) -> Reply:
        fault = None if type(value) in _SIMPLE else fault_of(value)
        if fault is not None:
            return fault
        try:
            return Result(self._plain(value, request.encoding))
        except NotPlainError as exc:
            return _not_plain(exc, request.method)


class _Stream(NamedTuple):
    items: Iterator[Any]


class _AsyncStream(NamedTuple):
    items: AsyncIterator[Any]


class LoopReplies(Iterator[Reply]):
    """The replies of an async method: an async iterator on the event loop, a blocking iterator on any other thread."""

    def __init__(self, replies: AsyncGenerator[Reply, None], oneway: bool) -> None:
        """Nothing runs before the first step; `oneway` takes all of them in one and gives none."""
        self._replies = replies
        self._oneway = oneway
        self._blocking = Blocking(self)

    def __aiter__(self) -> "LoopReplies":
        """Itself."""
        return self

    async def __anext__(self) -> Reply:
        """The next reply; the StopAsyncIteration of a one-way call holds its last one."""
        if not self._oneway:
            return await self._replies.__anext__()
        last: Reply | None = None
        async for reply in self._replies:
            last = reply
        raise StopAsyncIteration(last)

    async def aclose(self) -> None:
        """Abandon the call; the method's `finally` blocks run."""
        await self._replies.aclose()

    def __next__(self) -> Reply:
        """The next reply, waited for."""
        reply = next(self._blocking)
        if isinstance(reply, ENDS):
            self._blocking.close()  # Callers stop here: the task would wait for them for ever.
        return reply

    def close(self) -> None:
        """Abandon the call and wait until the method's `finally` blocks have run."""
        self._blocking.close()


def _not_plain(exc: NotPlainError, method: str) -> Failure:
    # TypeError is what serialisers raise for it; the frames would be those of our own code.
    return Failure("remote", "TypeError", f"the result of {method} cannot be sent: {exc}")


def _is_iterator(value: Any) -> bool:
    return hasattr(type(value), "__next__")


async def _stepped(items: Iterator[Any], method: str) -> AsyncIterator[Any]:
    try:
        for item in items:
            yield item
    finally:
        _close(items, method)


def _close(items: Iterator[Any], method: str) -> None:
    try:
        close = getattr(items, "close", None)
        if close is not None:
            close()
    except BaseException as exc:
        warn(f"{method}: closing its stream raised {type(exc).__name__}")

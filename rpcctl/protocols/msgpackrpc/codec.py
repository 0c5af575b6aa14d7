"""Messages to the bytes of MessagePack-RPC and back, pure: no socket, thread or clock.

    request       [0, msgid, method, params]      msgid: the requester's, 32 bits, echoed; params: an array
    response      [1, msgid, error, result]       error: nil, or anything; result counts when error is nil
    notification  [2, method, params]

One after the other on a stream, without a length or a separator, in both directions; responses come in any order
(github.com/msgpack-rpc/msgpack-rpc, spec.md). Text that is no UTF-8, as Neovim sends, is read as bytes. Extension
types are in `extensions`, what stands in `error` is in `faults`.
"""

from typing import Any

import msgpack

from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.messages import Failure, Reply, Request, Result

from . import extensions, faults

REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2
IDS = 1 << 32
"""Ids are counted modulo this."""
_LENGTHS = {REQUEST: 4, RESPONSE: 4, NOTIFICATION: 3}
_ITEM_BYTES = 8
"""An array is announced before it comes, and then has so many bytes for each item: as many items fit as the message
may have bytes, divided by this, or a few bytes would cost a lot of memory."""


_FIRST_BUFFER = 16 * 1024
"""Bytes that an unpacker begins with; it would take a megabyte for each connection."""
Message = list[Any]
"""A message that was checked: `[REQUEST, id, method, params]`, `[RESPONSE, id, error, result]` or
`[NOTIFICATION, method, params]`, the id a number, the method a text, the params a list."""


class BadMessageError(RemoteProtocolError):
    """A message that breaks the rules; `id` is the one to answer it with, 0 when it has none."""

    def __init__(self, message: str, id: int = 0) -> None:
        """Keep the id."""
        super().__init__(message)
        self.id = id


class Packer:
    """Messages to bytes. One thread at a time."""

    def __init__(self, old: bool = False) -> None:
        """`old` writes bytes and text alike, as before 2013."""
        self._packer = msgpack.Packer(use_bin_type=not old)
        self._old = old

    def request(self, request: Request, id: int) -> bytes:
        """A request as bytes; LocalProtocolError for what MessagePack has no form for."""
        return self.pack((REQUEST, id, request.method, extensions.restored(request.args)))

    def notification(self, request: Request) -> bytes:
        """A one-way request as bytes; LocalProtocolError as for a request."""
        return self.pack((NOTIFICATION, request.method, extensions.restored(request.args)))

    def reply(self, reply: Reply, id: int) -> bytes:
        """A Result or Failure as bytes; LocalProtocolError when it cannot be carried."""
        if type(reply) is Result:
            return self.pack((RESPONSE, id, None, reply.value))
        assert isinstance(reply, Failure)
        return self.pack((RESPONSE, id, faults.to_error(reply), None))

    def pack(self, message: tuple[Any, ...]) -> bytes:
        """An array as bytes; LocalProtocolError as for a request."""
        try:
            packed: bytes = self._packer.pack(message)
        except (TypeError, ValueError, OverflowError, RecursionError) as exc:
            # What was packed until then must not stand before the next message.
            self._packer = msgpack.Packer(use_bin_type=not self._old)
            raise LocalProtocolError(f"MessagePack cannot carry it: {exc}") from None
        return packed


class Stream:
    """The bytes of one peer, split anywhere, to its messages."""

    def __init__(self, max_message: int, ext_types: bool = False) -> None:
        """A message of more than `max_message` bytes is refused; `ext_types` leaves Neovim's handles as they are."""
        self._most = max_message
        self._hook = extensions.to_plain if ext_types else extensions.to_plain_or_handle
        self._unpacker = self._make_unpacker("strict")
        self._lenient = False
        self._bytes = bytearray()
        """What came since the last message but one, or later."""
        self._last = self._taken = 0
        """Where in it the last message that was taken begins, and where it ends."""
        self._before = 0
        """What the unpacker had counted when the first of these bytes came."""

    def feed(self, data: bytes) -> None:
        """Take in bytes; RemoteProtocolError when a message grows too large."""
        if self._taken:
            del self._bytes[: self._taken]
            self._before += self._taken
            self._last = self._taken = 0
        self._bytes += data
        try:
            self._unpacker.feed(data)
        except msgpack.BufferFull:
            raise self._too_large() from None

    def take(self) -> Message | None:
        """The next message, or None until more are fed.

        BadMessageError or RemoteProtocolError when it is none; the stream cannot be read on then.
        """
        value = self._unpack()
        if value is _NOTHING:
            if len(self._bytes) - self._taken > self._most:
                raise self._too_large()
            return None
        message = check(value)
        end: int = self._unpacker.tell() - self._before
        if end - self._taken > self._most:
            raise self._too_large()
        self._last, self._taken = self._taken, end
        return message

    def is_partial(self) -> bool:
        """Whether there are bytes of a message that has not come to its end."""
        return self._taken < len(self._bytes)

    def last_bytes(self) -> bytes:
        """The message that was taken last, until more is fed."""
        return bytes(self._bytes[self._last : self._taken])

    def next_bytes(self) -> bytes:
        """The beginning of what is no message yet, or none at all."""
        return bytes(self._bytes[self._taken : self._taken + 64])

    def _unpack(self) -> Any:
        try:
            value = next(self._unpacker, _NOTHING)
            return extensions.bytes_restored(value) if self._lenient else value
        except UnicodeDecodeError:
            return self._unpack_leniently()
        except Exception as exc:
            raise RemoteProtocolError(f"not MessagePack: {exc or type(exc).__name__}") from None

    def _unpack_leniently(self) -> Any:
        """The message once more, from its first byte, by an unpacker that goes on from there."""
        self._lenient = True
        self._unpacker = self._make_unpacker("surrogateescape")
        self._before = -self._taken
        self._unpacker.feed(memoryview(self._bytes)[self._taken :])
        return self._unpack()

    def _too_large(self) -> RemoteProtocolError:
        return RemoteProtocolError(f"a message has over {self._most} bytes (--max-message)")

    def _make_unpacker(self, unicode_errors: str) -> Any:
        return msgpack.Unpacker(
            strict_map_key=False,
            unicode_errors=unicode_errors,
            ext_hook=self._hook,
            timestamp=3,
            read_size=_FIRST_BUFFER,
            max_buffer_size=self._most + (1 << 20),
            max_array_len=max(self._most // _ITEM_BYTES, 1024),
        )


_NOTHING = object()


def check(value: Any) -> Message:
    """An unpacked value as a message; BadMessageError says what is wrong with it."""
    if type(value) is not list or not value:
        raise BadMessageError("the message is no array")
    kind = value[0]
    if type(kind) is not int or kind not in _LENGTHS:
        raise BadMessageError("unknown type of message")
    if len(value) != _LENGTHS[kind]:
        raise BadMessageError(f"a message of type {kind} is an array of {_LENGTHS[kind]}")
    number = 0 if kind == NOTIFICATION else value[1]
    if type(number) is not int or not 0 <= number < IDS:
        raise BadMessageError("the id of a message is a number of 32 bits")
    if kind != RESPONSE:
        method = value[-2]
        if type(method) is bytes:
            value[-2] = method.decode("utf-8", "replace")
        elif type(method) is not str:
            raise BadMessageError("the method is no text", number)
        if type(value[-1]) is not list:
            raise BadMessageError("the parameters are no array", number)
    return value


def read_reply(message: Message, method: str) -> Reply:
    """What a response says of a call of `method`."""
    _, _, error, result = message
    return Result(result) if error is None else faults.to_failure(error, method)

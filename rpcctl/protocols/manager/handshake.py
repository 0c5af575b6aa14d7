"""How both ends prove that they know the key, before anything else is said. Pure: frames in, frames out.

    server  #CHALLENGE# message             client  HMAC of the message         server  #WELCOME# or #FAILURE#
    client  #CHALLENGE# message             server  HMAC of the message         client  #WELCOME# or #FAILURE#

A message is 20 random bytes, answered with the bare HMAC-MD5 (Python to 3.11), or `{sha256}` and 40 random bytes, which
3.12 and later answer with `{digest}` and the HMAC of all of it, and older ones as before: CPython's
`multiprocessing/connection.py`, deliver_challenge and answer_challenge. Some distributions made the bare one SHA-256.
"""

import hmac
from collections.abc import Callable

from rpcctl.errors import AuthError, RemoteProtocolError

CHALLENGE, WELCOME, FAILURE = b"#CHALLENGE#", b"#WELCOME#", b"#FAILURE#"
LONGEST = 256
"""Bytes of a frame of the handshake."""
_OLD_SIZE, _NEW_SIZE = 20, 40
_DIGESTS = ("md5", "sha256", "sha384", "sha3_256", "sha3_384")
_BARE = {16: "md5", 32: "sha256"}
"""Digest by the size of an answer that does not name it."""
_NAMELESS = (_OLD_SIZE, *_BARE)
"""Sizes of what names no digest, however it begins."""
Random = Callable[[int], bytes]
"""Gives so many random bytes."""


class ServerHandshake:
    """The server's end."""

    def __init__(self, key: bytes, random: Random) -> None:
        """`first` is to be sent at once."""
        self._key = key
        self._message = b"{sha256}" + random(_NEW_SIZE)
        self._welcomed = False
        self.first = CHALLENGE + self._message
        self.done = False

    def receive(self, frame: bytes) -> list[bytes]:
        """The frames that answer one; AuthError when the other end does not know the key."""
        if not self._welcomed:
            if not verify(self._key, self._message, frame):
                raise AuthError("its digest is wrong: another key")
            self._welcomed = True
            return [WELCOME]
        if frame.startswith(CHALLENGE):
            return [respond(self._key, frame[len(CHALLENGE) :])]
        if frame != WELCOME:
            raise AuthError("it does not take our digest")
        self.done = True
        return []


class ClientHandshake:
    """The client's end; with `bare` it answers a message of the old style with that digest instead of MD5."""

    def __init__(self, key: bytes, random: Random, bare: str = "md5") -> None:
        """The server speaks first."""
        self._key = key
        self._random = random
        self._bare = bare
        self._message = b""
        self._welcomed = False
        self.is_old = False
        """Whether the server's message is of the old style."""
        self.done = False

    def receive(self, frame: bytes) -> list[bytes]:
        """The frames that answer one: our digest, then our own message, then our welcome.

        AuthError when either end does not know the key, RemoteProtocolError for what is no handshake.
        """
        if not self._message:
            return self._answer(frame)
        if not self._welcomed:
            if frame != WELCOME:
                raise _rejected(frame)
            self._welcomed = True
            # Not together with the digest: the server would write twice without reading, and wait 40 ms in between.
            return [CHALLENGE + self._message]
        if not verify(self._key, self._message, frame):
            raise AuthError("the server does not know the key")
        self.done = True
        return [WELCOME]

    def _answer(self, frame: bytes) -> list[bytes]:
        if not frame.startswith(CHALLENGE):
            raise RemoteProtocolError(f"it does not begin as a manager does, but with {frame[:16]!r}")
        message = frame[len(CHALLENGE) :]
        self.is_old = not _names_digest(message)
        self._message = self._random(_OLD_SIZE) if self.is_old else b"{sha256}" + self._random(_NEW_SIZE)
        return [respond(self._key, message, self._bare)]


def respond(key: bytes, message: bytes, bare: str = "md5") -> bytes:
    """The digest of a message, in the message's style."""
    if not _names_digest(message):
        return mac(key, message, bare)
    name = _digest_of(message)
    return b"{%s}" % name.encode() + mac(key, message, name)


def verify(key: bytes, message: bytes, answer: bytes) -> bool:
    """Whether an answer is the message's digest: of the kind it names, or by its size."""
    if _names_digest(answer):
        name = _digest_of(answer)
        return hmac.compare_digest(mac(key, message, name), answer[len(name) + 2 :])
    name = _BARE.get(len(answer), "")
    return bool(name) and hmac.compare_digest(mac(key, message, name), answer)


def mac(key: bytes, message: bytes, digest: str) -> bytes:
    """The HMAC; AuthError where this machine's rules forbid the digest."""
    try:
        return hmac.digest(key, message, digest)
    except ValueError as exc:
        raise AuthError(f"this machine has no {digest}: {exc}") from exc


def _names_digest(text: bytes) -> bool:
    return text.startswith(b"{") and len(text) not in _NAMELESS


def _digest_of(text: bytes) -> str:
    name = text[1 : text.find(b"}")].decode("ascii", "replace")
    if name not in _DIGESTS:
        raise AuthError(f"unknown digest {name!r}")
    return name


def _rejected(frame: bytes) -> Exception:
    if frame == FAILURE:
        return AuthError(
            "the server refuses the key", hint="is it the same at both ends? a newline at its end is cut off"
        )
    return RemoteProtocolError(f"an odd word in the handshake: {frame[:16]!r}")

"""TLS for a host's connections, without a socket: bytes that came in to plain ones, plain ones to what goes out."""

import ssl

_PIECE = 64 * 1024


class Cipher:
    """The server's end of one encrypted connection. One thread at a time; ssl.SSLError when the peer breaks it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        """Wait for the client's first message."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._waiting: list[bytes] = []
        self.ready = False
        """Whether the handshake is over."""
        self.ended = False
        """Whether the peer has said that nothing follows."""

    def decrypt(self, data: bytes) -> bytes:
        """What the peer's bytes hold; nothing while the handshake goes on."""
        self._incoming.write(data)
        if not self.ready and not self._shake_hands():
            return b""
        found = []
        try:
            while piece := self._tls.read(_PIECE):
                found.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return b"".join(found)

    def encrypt(self, data: bytes) -> bytes:
        """What is to be sent, for this and for the handshake; plain bytes wait until that is over."""
        if data:
            self._waiting.append(data)
        if self.ready and self._waiting:
            waiting = memoryview(b"".join(self._waiting))
            self._waiting.clear()
            while waiting:
                waiting = waiting[self._tls.write(waiting) :]
        return self._outgoing.read()

    def certificate(self) -> bytes | None:
        """What the peer has shown, as DER; None when it has shown nothing."""
        return self._tls.getpeercert(binary_form=True) if self.ready else None

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.ready = True
        return True

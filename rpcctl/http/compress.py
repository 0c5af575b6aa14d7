"""gzip and deflate with a cap on what comes out. Pure; for both ends."""

import zlib

_GZIP, _EITHER = 31, 47
_CHUNK = 1 << 20
LEAST = 1400
"""Bytes below which compressing costs more than it saves: what fits one packet."""


class TooLargeError(ValueError):
    """More would come out than is allowed."""


def inflate(data: bytes, most: int) -> bytes:
    """What was compressed as gzip or zlib, at most `most` bytes; TooLargeError, or ValueError for what is neither."""
    out, size = [], 0
    while True:
        stream = zlib.decompressobj(_EITHER)
        while not stream.eof:
            try:
                part = stream.decompress(data, min(_CHUNK, most + 1 - size))
            except zlib.error as exc:
                raise ValueError(f"it is not gzip: {exc}") from None
            data = stream.unconsumed_tail
            size += len(part)
            if size > most:
                raise TooLargeError(f"more than {most} bytes come out")
            out.append(part)
            if not part and not data and not stream.eof:
                raise ValueError("the gzip data is cut short")
        data = stream.unused_data
        # Members may follow one another, and zeros may pad the last one.
        if not data.strip(b"\0"):
            return b"".join(out)


def deflate(data: bytes) -> bytes:
    """As gzip, fast rather than small."""
    stream = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    return stream.compress(data) + stream.flush()

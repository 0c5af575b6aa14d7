"""Who is let in: the lines of --auth-file, and whether a request's Authorization header is one of them.

    alice:wonderland                      a name and its password
    bob:scrypt:32768:8:1$SALT$HEX         its scrypt hash, or pbkdf2:sha256:ITERATIONS$SALT$HEX, as Werkzeug writes them
    carol:{SHA}BASE64                     as `htpasswd -s` writes it
    Bearer T0KEN                          a token
    Bearer sha256:HEX                     its SHA-256 hash

Comparisons take the same time whatever is compared, and an unknown name costs as much as a known one.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from rpcctl.errors import InputError, UsageError

from .answers import Reply, refuse

_LARGEST_FILE = 1 << 20
_KNOWN = 1024
"""Headers that have been verified and are remembered, as a hash under a key of this process."""
_SCRYPT = re.compile(r"scrypt:(\d{1,8}):(\d{1,3}):(\d{1,3})\$([^$]+)\$([0-9a-f]{2,256})")
_PBKDF2 = re.compile(r"pbkdf2:(sha1|sha256|sha512):(\d{1,8})\$([^$]+)\$([0-9a-f]{2,256})")
_SHA1 = re.compile(r"\{SHA\}([A-Za-z0-9+/]{27}=)")
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
_UNKNOWN_HASHES = ("$apr1$", "$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$argon2")
_MEMORY = 256 * 1024 * 1024
Check = Callable[[bytes], bool]
"""Whether a password or token is the right one."""


class Admitted(NamedTuple):
    """What an auth file says."""

    users: Mapping[bytes, Check]
    tokens: tuple[Check, ...]
    slow: bool
    """Whether a check takes so long that it is not done on the event loop's thread."""


class _List(NamedTuple):
    """Who is admitted, and whose login has been found right by it."""

    admitted: Admitted | None
    verified: dict[bytes, None]


class Doorkeeper:
    """Knows who is let in; without a file, everybody."""

    def __init__(self, admitted: Admitted | None) -> None:
        """Remember nobody yet."""
        self._secret = os.urandom(16)
        self.replace(admitted)

    def replace(self, admitted: Admitted | None) -> None:
        """Go by another list from the next request on. From any thread."""
        # In one object: a login that is being verified by the old list must not be remembered for the new one.
        self._list = _List(admitted, {})

    def look(self, headers: Mapping[str, str]) -> bool | None:
        """Whether the request may go on; None when only `verify` can tell."""
        admitted, verified = self._list
        if admitted is None:
            return True
        given = headers.get("authorization")
        if not given or len(given) > 8192:
            return False
        if self._digest(given) in verified:
            return True
        return None if admitted.slow else self.verify(headers)

    def verify(self, headers: Mapping[str, str]) -> bool:
        """Whether the login is right; may take a tenth of a second. From any thread."""
        admitted, verified = self._list
        given = headers.get("authorization", "")
        if admitted is None or not _is_right(given, admitted):
            return False
        if len(verified) >= _KNOWN:
            verified.clear()
        verified[self._digest(given)] = None
        return True

    def refusal(self) -> Reply:
        """For whom it does not know."""
        admitted = self._list.admitted
        ways = ['Basic realm="rpcctl", charset="UTF-8"'] if admitted and admitted.users else []
        ways += ['Bearer realm="rpcctl"'] if admitted and admitted.tokens else []
        return refuse(401, "a login is needed, or this one is wrong", *(("www-authenticate", way) for way in ways))

    def _digest(self, given: str) -> bytes:
        return hashlib.blake2b(given.encode("latin-1", "replace"), key=self._secret, digest_size=16).digest()


def _is_right(given: str, admitted: Admitted) -> bool:
    way, _, rest = given.partition(" ")
    if way.lower() == "bearer":
        token = rest.strip().encode("latin-1", "replace")
        # All of them are asked, so that the time does not tell which one is near.
        right = [check(token) for check in admitted.tokens]
        return any(right)
    if way.lower() != "basic" or not admitted.users:
        return False
    try:
        user, _, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    known = user in admitted.users
    check = admitted.users[user] if known else next(iter(admitted.users.values()))
    return check(password) and known


def read_auth_file(path: str | None) -> Admitted | None:
    """What the file says; None without a file. InputError when it cannot be read, UsageError for a bad line."""
    if not path:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read(_LARGEST_FILE).splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path}: {getattr(exc, 'strerror', None) or 'no text file'}") from exc
    users: dict[bytes, Check] = {}
    tokens: list[Check] = []
    slow = False
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        slow = _read_line(line, users, tokens, f"{path}, line {number}") or slow
    if not users and not tokens:
        raise UsageError(f"{path} lets nobody in", hint="one a line: USER:PASSWORD, or Bearer TOKEN")
    return Admitted(users, tuple(tokens), slow)


def _read_line(line: str, users: dict[bytes, Check], tokens: list[Check], place: str) -> bool:
    """Add what the line says; whether its check is slow."""
    way, blank, token = line.partition(" ")
    if blank and way.lower() == "bearer":
        tokens.append(_token_check(token.strip()))
        return False
    user, colon, password = line.partition(":")
    if not colon or not user or not password:
        raise UsageError(f"{place}: neither USER:PASSWORD nor Bearer TOKEN", hint="rpcctl serve --help")
    check, slow = _password_check(password, place)
    users[user.encode()] = check
    return slow


def _token_check(token: str) -> Check:
    hashed = _SHA256.fullmatch(token)
    if hashed:
        digest = bytes.fromhex(hashed[1])
        return lambda given: hmac.compare_digest(hashlib.sha256(given).digest(), digest)
    return _plain_check(token)


def _plain_check(secret: str) -> Check:
    # Hashes of both are compared, as comparing texts of different length takes no time.
    digest = hashlib.sha256(secret.encode()).digest()
    return lambda given: hmac.compare_digest(hashlib.sha256(given).digest(), digest)


def _password_check(password: str, place: str) -> tuple[Check, bool]:
    if password.startswith(_UNKNOWN_HASHES):
        raise UsageError(
            f"{place}: this kind of hash is not known here",
            hint="scrypt or pbkdf2 as Werkzeug writes them, or htpasswd -s",
        )
    if found := _SHA1.fullmatch(password):
        digest = base64.b64decode(found[1])
        return lambda given: hmac.compare_digest(hashlib.sha1(given).digest(), digest), False
    if found := _SCRYPT.fullmatch(password):
        return _scrypt_check(found, place), True
    if found := _PBKDF2.fullmatch(password):
        name, rounds, salt, expected = found[1], int(found[2]), found[3].encode(), bytes.fromhex(found[4])
        return lambda given: hmac.compare_digest(hashlib.pbkdf2_hmac(name, given, salt, rounds), expected), True
    return _plain_check(password), False


def _scrypt_check(found: "re.Match[str]", place: str) -> Check:
    n, r, p = int(found[1]), int(found[2]), int(found[3])
    salt, expected = found[4].encode(), bytes.fromhex(found[5])

    def check(given: bytes) -> bool:
        made = hashlib.scrypt(given, salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=len(expected))
        return hmac.compare_digest(made, expected)

    try:
        check(b"")
    except ValueError as exc:
        raise UsageError(f"{place}: no hash of scrypt: {exc}") from exc
    return check

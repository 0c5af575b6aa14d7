"""Certificates for both ends, and what OpenSSL's errors mean to a user. Plain HTTP never loads ssl."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rpcctl.address import Address
from rpcctl.errors import CertificateError, InputError, RpcctlError, TLSError, UsageError

if TYPE_CHECKING:
    import ssl

_HTTP = ("http/1.1",)
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
)
_CLIENT_CERT = ("CERTIFICATE_REQUIRED", "ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_HANDSHAKE_FAILURE")


def server_context(at: Address, options: Mapping[str, Any]) -> "ssl.SSLContext | None":
    """What https is served with; None for plain HTTP."""
    if at.transport != "https":
        if options.get("cert") and not at.is_loopback():
            raise UsageError(f"{at} is not encrypted: --cert would do nothing", hint="https://HOST:PORT")
        return None
    return encrypting_context(at, options, _HTTP)


def encrypting_context(at: Address, options: Mapping[str, Any], spoken: Sequence[str] = ()) -> "ssl.SSLContext":
    """What an encrypted address is served with; `spoken` are protocols within, by their registered names."""
    if not options.get("cert"):
        raise UsageError(f"{at}: {at.transport} needs a certificate", hint="--cert FILE --key FILE")
    import ssl

    # Not the default context: since Python 3.13 it refuses the authorities that most people make for themselves.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols([*spoken])
    _load_pair(context, options)
    if options.get("cacert"):
        _load_authorities(context, options["cacert"])
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def watch_handshakes(context: "ssl.SSLContext", tell: Callable[[str], None]) -> None:
    """Have `tell` hear why a handshake fails: the event loop keeps that to itself, and begins no connection."""
    import ssl

    class Watched(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as exc:
                reason = exc.reason or str(exc)
                plain = "HTTP_REQUEST" in reason
                tell("plain HTTP, where TLS is spoken" if plain else f"TLS handshake: {_words(reason)}")
                raise

    context.sslobject_class = Watched


def client_context(options: Mapping[str, Any], spoken: Sequence[str] = _HTTP) -> "ssl.SSLContext":
    """What servers are trusted, and what is shown to them; `spoken` as for `encrypting_context`."""
    import ssl

    if options.get("cacert"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load_authorities(context, options["cacert"])
    else:
        context = ssl.create_default_context()
    context.set_alpn_protocols([*spoken])
    if options.get("insecure"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.get("cert"):
        _load_pair(context, options)
    elif options.get("key"):
        raise UsageError("--key is of no use without its certificate", hint="--cert FILE")
    return context


def explain_tls(at: Address, exc: BaseException, plainly: str = "http") -> RpcctlError:
    """An error of a handshake, or one after it that the handshake led to, as ours.

    `plainly` is the scheme of the same without encryption.
    """
    import ssl

    if isinstance(exc, ssl.SSLCertVerificationError):
        return CertificateError(
            f"{at}: the certificate is not trusted: {exc.verify_message or exc.reason}",
            hint="--cacert FILE with the authority that signed it; -k trusts anything",
        )
    reason = str(getattr(exc, "reason", None) or exc)
    if any(each in reason for each in _NOT_TLS):
        return TLSError(f"{at}: what answers there is not TLS", hint=f"{plainly}:// if it is not encrypted")
    if any(each in reason for each in _CLIENT_CERT):
        return TLSError(
            f"{at} refused the handshake: {_words(reason)}", hint="--cert FILE --key FILE, signed by whom it trusts"
        )
    return TLSError(f"{at}: the TLS handshake failed: {_words(reason)}")


def _words(reason: str) -> str:
    return reason.replace("_", " ").lower()


def _load_pair(context: "ssl.SSLContext", options: Mapping[str, Any]) -> None:
    import ssl

    cert, key = options["cert"], options.get("key")

    def no_password() -> str:
        # Without this OpenSSL would ask on the terminal.
        raise UsageError(f"{key or cert}: the key is locked with a password", hint=f"openssl pkey -in {key or cert}")

    _check_readable(cert, key)
    try:
        context.load_cert_chain(cert, key, password=no_password)
    except ssl.SSLError as exc:
        raise UsageError(f"{cert}: no certificate with its key in PEM: {_words(exc.reason or str(exc))}") from exc


def _load_authorities(context: "ssl.SSLContext", path: str) -> None:
    import ssl

    _check_readable(path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as exc:
        raise UsageError(f"{path}: no certificates in PEM: {_words(exc.reason or str(exc))}") from exc


def _check_readable(*paths: str | None) -> None:
    for path in paths:
        if path:
            try:
                with open(path, "rb") as file:
                    file.read(1)
            except OSError as exc:
                raise InputError(f"{path}: {exc.strerror}") from exc

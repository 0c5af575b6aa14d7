"""What JSON-RPC and XML-RPC share: their transports and the options of HTTP. Light: read to answer `--help`.

The client is in `rpcctl.http.client`, the server in `rpcctl.http.server`; both carry bodies and know no protocol.
"""

from rpcctl.interfaces import Option, Transport

_CLIENT, _SERVER = ("client",), ("server",)
_PANEL = "HTTP"
_ENCRYPTED = ("https",)


def http_transports(default: str, *, short: bool) -> tuple[Transport, ...]:
    """`http`, `https` and `http+unix`; `default` is the address bound and called when none is given.

    `short` says whether `http://` alone means this protocol.
    """
    return (
        Transport("http", default=default, short=short, port=80),
        Transport("https", short=short, port=443),
        Transport("http+unix", kind="path", short=short),
    )


PATH = Option("path", "path asked for over a Unix socket, as /RPC2", "PATH", variable=False, panel=_PANEL)

HTTP_OPTIONS_CLIENT = (
    PATH,
    Option(
        "header",
        "a header of every request",
        "'NAME: VALUE'",
        short="-H",
        multiple=True,
        roles=_CLIENT,
        variable=False,
        secret=True,
        panel=_PANEL,
    ),
    Option(
        "user",
        "name and password; without a password it is asked for on the terminal",
        "USER[:PASSWORD]",
        short="-u",
        roles=_CLIENT,
        secret=True,
        panel=_PANEL,
    ),
    Option(
        "auth",
        "where the login is: bearer or basic, then file:PATH, env:NAME or cmd:COMMAND; read for every connection",
        "KIND:PLACE",
        roles=_CLIENT,
        secret=True,
        panel=_PANEL,
    ),
    Option(
        "netrc",
        "look the login up in ~/.netrc, or in the file that NETRC names",
        type="switch",
        short="-n",
        roles=_CLIENT,
        panel=_PANEL,
    ),
    Option("cacert", "authorities to trust in place of the system's, PEM", "FILE", roles=_CLIENT, panel=_PANEL),
    Option("cert", "certificate to show to the server, PEM", "FILE", roles=_CLIENT, panel=_PANEL),
    Option("key", "its key, unless it is in the same file", "FILE", roles=_CLIENT, secret=True, panel=_PANEL),
    Option("insecure", "trust any certificate", type="switch", short="-k", roles=_CLIENT, panel=_PANEL),
    Option(
        "location",
        "follow redirects; credentials go to the first host only",
        type="switch",
        short="-L",
        roles=_CLIENT,
        panel=_PANEL,
    ),
)
"""For INFO.options of a protocol over HTTP, together with HTTP_OPTIONS_SERVER."""

HTTP_OPTIONS_SERVER = (
    Option(
        "cert",
        "certificate to serve https with, PEM, the whole chain",
        "FILE",
        roles=_SERVER,
        panel=_PANEL,
        transports=_ENCRYPTED,
    ),
    Option(
        "key",
        "its key, unless it is in the same file",
        "FILE",
        roles=_SERVER,
        secret=True,
        panel=_PANEL,
        transports=_ENCRYPTED,
    ),
    Option(
        "cacert",
        "clients must show a certificate that one of these authorities signed, PEM",
        "FILE",
        roles=_SERVER,
        panel=_PANEL,
        transports=_ENCRYPTED,
    ),
    Option(
        "auth-file",
        "who is let in, one a line: USER:PASSWORD, Bearer TOKEN, or either hashed",
        "FILE",
        roles=_SERVER,
        secret=True,
        panel=_PANEL,
    ),
    Option(
        "cors",
        "web pages from there may call, as https://app.example; * for all",
        "ORIGIN",
        multiple=True,
        roles=_SERVER,
        panel=_PANEL,
    ),
    Option(
        "allow-host",
        "further name under which the server is known; names are checked when it is bound to loopback",
        "NAME",
        multiple=True,
        roles=_SERVER,
        panel=_PANEL,
    ),
    Option(
        "header-timeout",
        "longest time for a request's headers to arrive",
        "SECONDS",
        "seconds",
        10.0,
        roles=_SERVER,
        panel=_PANEL,
    ),
    Option(
        "body-timeout",
        "longest time for a body to arrive, and for an answer to be taken",
        "SECONDS",
        "seconds",
        30.0,
        roles=_SERVER,
        panel=_PANEL,
    ),
    Option(
        "keep-alive",
        "longest time for which an idle connection is kept",
        "SECONDS",
        "seconds",
        75.0,
        roles=_SERVER,
        panel=_PANEL,
    ),
    Option("max-header", "largest size of a request's headers", "SIZE", "size", 64 * 1024, roles=_SERVER, panel=_PANEL),
    Option("max-connections", "most connections at once", "N", "integer", 16384, roles=_SERVER, panel=_PANEL),
)

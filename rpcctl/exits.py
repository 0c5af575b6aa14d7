"""The table of exit codes, for `rpcctl explain`, the README and completion; `rpcctl.errors` holds to it."""

from typing import NamedTuple


class Exit(NamedTuple):
    """One row of the exit-code table: `code`, `kind` as in JSON errors, what it `means`, what to `try_next`."""

    code: int
    kind: str
    means: str
    try_next: str


EXITS = (
    Exit(0, "ok", "the call was answered", "nothing"),
    Exit(1, "internal", "a bug in rpcctl", "run again with --traceback and report what it prints"),
    Exit(2, "usage", "the command line is wrong", "the hint under the error, or rpcctl COMMAND --help"),
    Exit(
        3,
        "bad_address",
        "the address cannot be parsed or contradicts --proto",
        "rpcctl protocols shows one of each form",
    ),
    Exit(4, "missing_extra", "the protocol's libraries are not installed", "the install line in the hint"),
    Exit(6, "resolve", "the host name was not found", "check the spelling, or give the numeric address"),
    Exit(
        7,
        "connect",
        "refused, unreachable or silent; nothing was sent",
        "rpcctl wait ADDRESS, or --retry N; is the server up?",
    ),
    Exit(
        8,
        "protocol",
        "the peer's bytes are not this protocol, or break its rules",
        "another --proto; -vv shows the bytes",
    ),
    Exit(
        22,
        "remote",
        "the method raised, or refused its arguments",
        "-v shows the remote traceback; rpcctl describe ADDRESS METHOD",
    ),
    Exit(23, "write", "the output could not be written", "check the disk and the path given to -o"),
    Exit(26, "read", "an input file could not be read", "check the path after @"),
    Exit(28, "timeout", "a time limit was reached", "a longer --timeout; the message says which limit it was"),
    Exit(35, "tls", "the encrypted handshake failed", "check that the port speaks TLS or CURVE, and the keys"),
    Exit(
        56,
        "lost",
        "the connection was lost before the reply; the call may have run",
        "find out before calling again; it was not repeated",
    ),
    Exit(
        60,
        "cert",
        "the peer's certificate is not trusted",
        "trust the authority that signed it, or check the host name",
    ),
    Exit(67, "auth", "the login was refused", "check the key, password or token"),
    Exit(78, "no_method", "no such method, object, topic or namespace", "rpcctl list ADDRESS"),
    Exit(99, "threshold", "a measurement missed its threshold", "see the report above the error"),
    Exit(123, "partial", "some calls of a batch failed", "the failed lines are in the output, each with its error"),
    Exit(130, "signal", "interrupted with Ctrl-C", "nothing"),
    Exit(141, "signal", "the reader of the output closed the pipe", "nothing"),
    Exit(143, "signal", "ended by SIGTERM", "nothing"),
)

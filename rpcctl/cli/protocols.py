"""`rpcctl protocols`: what there is to speak."""

from rpcctl import registry
from rpcctl.cli.command import Command, Values
from rpcctl.cli.options import RESULTS
from rpcctl.cli.session import Session
from rpcctl.interfaces import FEATURES, ProtocolInfo

COMMAND = Command(
    "protocols",
    "Show the protocols, their addresses and what each can do",
    "About rpcctl",
    "rpcctl.cli.protocols:run",
    options=RESULTS,
    examples=("rpcctl protocols", "rpcctl protocols --json"),
)


def run(values: Values, session: Session) -> None:
    """Print one row for each protocol."""
    with session.output.writing(values.output):
        rows = [describe(info) for info in registry.protocols()]
        session.output.records(rows)


def describe(info: ProtocolInfo) -> dict[str, object]:
    """A row of the table."""
    return {
        "protocol": info.scheme,
        "aliases": list(info.aliases),
        "speaks": info.summary,
        "transports": [transport.name for transport in info.transports],
        "default": next((str(registry.default_address(info)) for t in info.transports[:1] if t.default), "py:TARGET"),
        "features": [name for name in FEATURES if name in info.features],
        "installed": "yes" if registry.is_installed(info) else registry.install_hint(info),
    }

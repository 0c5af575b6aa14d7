"""What `--dry-run` and `--as` print in place of a call: the messages that would be sent, or the call for others."""

from typing import TYPE_CHECKING

from rpcctl.cli.session import Session
from rpcctl.cli.traces import describe, mask
from rpcctl.interfaces import Preview
from rpcctl.messages import Request

if TYPE_CHECKING:
    from rpcctl.api import Connection


def show(request: Request, form: str | None, connection: "Connection", session: Session) -> None:
    """Print the call as `form` has it, else what would be sent; UsageError where the protocol has no such thing."""
    from rpcctl.api import preview, write_snippet

    if form:
        session.output.verbatim(write_snippet(connection, request, form))
        return
    messages = [_masked(each) for each in preview(connection, request)]
    if session.output.is_json():
        session.output.value([{"text": each.text, "bytes": each.data} for each in messages])
    elif session.output.is_raw():
        session.output.value(b"".join(each.data for each in messages))
    else:
        for each in messages:
            for line in describe(">", each.text, each.data or None):
                session.output.text(line)


def _masked(message: Preview) -> Preview:
    """The message without the secrets that were among the arguments and options."""
    return Preview(mask(message.text), mask(message.data.decode("latin-1")).encode("latin-1"))

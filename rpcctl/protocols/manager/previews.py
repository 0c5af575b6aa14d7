"""What a call to a manager's object looks like on the wire, for `--dry-run`. Touches no network."""

from collections.abc import Callable
from typing import Any

from rpcctl.interfaces import Preview
from rpcctl.messages import Request

from .codec import OWN_IDENT, Call


def preview(typeid: str, created: list[Any], request: Request, pack: Callable[[Call], bytes]) -> list[Preview]:
    """The call, to the object that our servers always have; of one that is created that only has bytes.

    A created object has no ident before the server gives it one.
    """
    call = f"{request.method} {list(request.args)!r}" + (f" {dict(request.kwargs)!r}" if request.kwargs else "")
    if not typeid:
        return [Preview(f"{call} of {OWN_IDENT}", pack(Call(OWN_IDENT, request.method, request.args, request.kwargs)))]
    return [
        Preview(f"create {typeid} {created!r}", pack(Call(None, "create", (typeid, *created)))),
        Preview(f"{call} of what was created"),
    ]

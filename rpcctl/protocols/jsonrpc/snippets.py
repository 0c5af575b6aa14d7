"""A JSON-RPC call for people without rpcctl: as a curl command, and as a script for Python's standard library."""

import json
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import UsageError
from rpcctl.http import snippets
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

from . import codec
from .dialects import dialect_of, ids

_PATH = "/"
_JSON = "application/json"
_SEND = """\
request = urllib.request.Request({url!r}, json.dumps(call).encode(), headers)
with urllib.request.urlopen(request{more}) as reply:
    body = reply.read()
"""
_ANSWER = """\
answer = json.loads(body)
if answer.get("error"):
    raise SystemExit(f"error: {answer['error']}")
print(json.dumps(answer["result"], ensure_ascii=False))
"""


def write_curl(at: Address, request: Request, settings: Settings) -> str:
    """A shell's command line."""
    return snippets.write_curl(at, request, settings, _PATH, _write_body(request, settings), _JSON)


def write_python(at: Address, request: Request, settings: Settings) -> str:
    """A script that prints the result as JSON."""
    if settings.options.get("decimal"):
        raise UsageError("--as python would lose digits of --decimal", hint="--as curl keeps them")
    call: Any = json.loads(_write_body(request, settings))
    script = snippets.write_script(at, settings, {"Content-Type": _JSON})
    imports = sorted({"json", "urllib.request", *script.imports})
    more = f", timeout={seconds}" if (seconds := snippets.seconds_of(request)) else ""
    more += ", context=context" if script.context else ""
    lines = [f"import {each}\n" for each in imports]
    lines += ["\n", script.setup, f"call = {call!r}\n", f"headers = {script.headers}\n"]
    lines += [_SEND.format(url=snippets.url_of(at, settings, _PATH), more=more)]
    return "".join([*lines, "" if request.oneway else _ANSWER])


def _write_body(request: Request, settings: Settings) -> bytes:
    options = settings.options
    if dialect_of(options.get("auth")):
        raise UsageError("--as cannot write a login inside the message", hint="--dry-run shows the message")
    key = None if request.oneway else next(ids(options.get("id")))
    return codec.write_call(request, key, options.get("jsonrpc") or "2.0")

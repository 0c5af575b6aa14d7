"""An XML-RPC call for people without rpcctl: as a curl command, and as a script for Python's xmlrpc.client."""

from rpcctl.address import Address
from rpcctl.errors import ArgumentError, LocalProtocolError
from rpcctl.http import snippets
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

from . import codec

_PATH = "/RPC2"


def write_curl(at: Address, request: Request, settings: Settings) -> str:
    """A shell's command line."""
    try:
        body = codec.write_call(request.method, request.args, codec.types_of(settings.options))
    except LocalProtocolError as exc:
        raise ArgumentError(f"{request.method}: {exc.message}") from exc
    return snippets.write_curl(at, request, settings, _PATH, body.rstrip(), codec.CONTENT_TYPE)


def write_python(at: Address, request: Request, settings: Settings) -> str:
    """A script that prints the result."""
    script = snippets.write_script(at, settings)
    words = [repr(snippets.url_of(at, settings, _PATH)), "allow_none=True", "use_builtin_types=True"]
    words += ["context=context"] if script.context else []
    words += [f"headers=list({script.headers}.items())"] if script.headers != "{}" else []
    imports = sorted({"xmlrpc.client", *script.imports, *_modules(request)})
    seconds = snippets.seconds_of(request)
    lines = [f"import {each}\n" for each in sorted({*imports, *(["socket"] if seconds else [])})]
    lines += ["\n", f"socket.setdefaulttimeout({seconds})\n" if seconds else "", script.setup]
    lines += [f"with xmlrpc.client.ServerProxy({', '.join(words)}) as server:\n"]
    arguments = ", ".join(map(repr, request.args))
    return "".join([*lines, f"    print(getattr(server, {request.method!r})({arguments}))\n"])


def _modules(request: Request) -> set[str]:
    """What the arguments' own spelling needs."""
    return {"datetime"} if "datetime." in repr(request.args) else set()

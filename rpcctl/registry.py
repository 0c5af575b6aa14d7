"""Which protocols there are, by name only: each is imported when it is first asked for.

The table below holds those that come with rpcctl; others join by an entry point in the group `rpcctl.protocols`, looked
up only when a name is not in the table or all are to be listed. One that is broken warns and is left out.
"""

import sys
from collections.abc import Collection, Iterable
from importlib import import_module
from typing import Any

from rpcctl import address
from rpcctl.address import Address, Scheme, Transport
from rpcctl.errors import AddressError, MissingExtraError, RpcctlError, UsageError, renamed, suggest
from rpcctl.interfaces import Client, Option, ProtocolInfo, Server, Settings, Snippet

DEFAULT = "zmq"
PACKAGES = {
    "amqp": "rpcctl.protocols.amqp",
    "jsonrpc": "rpcctl.protocols.jsonrpc",
    "manager": "rpcctl.protocols.manager",
    "msgpackrpc": "rpcctl.protocols.msgpackrpc",
    "py": "rpcctl.protocols.py",
    "pyro": "rpcctl.protocols.pyro",
    "xmlrpc": "rpcctl.protocols.xmlrpc",
    "zmq": "rpcctl.protocols.zmq",
}
ALIASES = {
    "rabbit": "amqp",
    "zerorpc": "zmq",
}

_loaded: dict[str, ProtocolInfo] = {}
_distributions: dict[str, str] = {}
"""By scheme, where a protocol came from that is not in the table."""
_seen: set[str] = set()
"""The entry points that were looked at: one that is broken is loaded, and warned of, once."""


def find(name: str) -> ProtocolInfo:
    """The protocol of that name or alias; UsageError suggests the nearest one."""
    info = _find_builtin(name) or _find_plugin(name)
    if info is None:
        known = [each.scheme for each in protocols()]
        raise UsageError(f"unknown protocol {name!r}", hint=suggest(name, known, f"one of: {', '.join(known)}"))
    return info


def protocols() -> list[ProtocolInfo]:
    """Every protocol, sorted by name; imports all of their INFO modules, and none of their libraries."""
    for name in PACKAGES:
        _find_builtin(name)
    _load_plugins()
    return sorted(_loaded.values())


def own_options(roles: Iterable[str], taken: Collection[str] = ()) -> dict[str, Option]:
    """The protocols' own options for `client` or `server`, by name; the first protocol to declare one decides.

    One that is named like something in `taken` is left out: it can still be given in an address. One whose short
    spelling is taken has the long one only.
    """
    wanted, own, spellings = set(roles), dict[str, Option](), set(taken)
    for info in _table_first(protocols()) if wanted else ():
        for option in info.options:
            if wanted & set(option.roles) and option.name not in spellings:
                short = "" if option.short in spellings else option.short
                own[option.name] = option._replace(panel=option.panel or f"{info.scheme} only", short=short)
                spellings |= {option.name, option.short}
    return own


def parse_address(text: str, proto: str | None = None, path: str | None = None) -> Address:
    """Read an address; `proto` decides what its scheme leaves open, and must not contradict it.

    `path` is what is asked for over a Unix socket, if that is said beside the address: it may tell the protocol too.
    """
    wanted = find(proto) if proto else None
    marked = f"{text}{'&' if '?' in text else '?'}path={path}" if path else text
    return address.parse(text, lambda scheme: _resolve(text, scheme, wanted, marked))


def default_address(info: ProtocolInfo) -> Address:
    """Where a server of this protocol is bound when nothing is said."""
    return parse_address(info.transports[0].default)


def client(at: Address, settings: Settings) -> Client:
    """The protocol's client for that address, not yet connected."""
    info = find(at.protocol)
    made: Client = _load_class(info, info.client)(at, settings)
    return made


def server(at: Address, settings: Settings) -> Server:
    """The protocol's server for that address, not yet bound."""
    info = find(at.protocol)
    if not info.server:
        raise UsageError(f"{info.scheme} cannot be served: {info.summary}", hint="--bind tcp://127.0.0.1:4242")
    made: Server = _load_class(info, info.server)(at, settings)
    return made


def snippet(info: ProtocolInfo, form: str) -> Snippet:
    """What writes a call over that protocol as `curl` or `python`; UsageError when nothing does."""
    if form not in info.snippets:
        raise UsageError(f"{info.scheme} has no --as {form}", hint=_snippets_hint(info))
    found: Snippet = _load_class(info, info.snippets[form])
    return found


def _snippets_hint(info: ProtocolInfo) -> str:
    forms = ", ".join(info.snippets)
    return f"it has: {forms}" if forms else "rpcctl describe ADDRESS --as python writes a client"


def is_installed(info: ProtocolInfo) -> bool:
    """Whether its libraries can be imported."""
    try:
        _load_class(info, info.client)
    except RpcctlError:
        return False
    return True


def install_hint(info: ProtocolInfo) -> str:
    """The command that installs what the protocol needs."""
    name = _distributions.get(info.scheme, "rpcctl")
    return f"pip install '{name}[{info.extra}]'" if info.extra else f"pip install --force-reinstall {name}"


def _find_builtin(name: str) -> ProtocolInfo | None:
    name = ALIASES.get(name, name)
    if name not in _loaded and name in PACKAGES:
        _loaded[name] = import_module(PACKAGES[name]).INFO
    return _loaded.get(name)


def _find_plugin(name: str) -> ProtocolInfo | None:
    _load_plugins()
    return _loaded.get(name) or next((info for info in _loaded.values() if name in info.aliases), None)


def _load_plugins() -> None:
    from importlib.metadata import entry_points

    for entry in entry_points(group="rpcctl.protocols"):
        if entry.value in _seen:
            continue
        _seen.add(entry.value)
        try:
            _add_plugin(entry.load().INFO, entry.dist.name if entry.dist else entry.name)
        except (Exception, SystemExit) as exc:
            why = str(exc) or type(exc).__name__
            print(f"rpcctl: warning: protocol {entry.name!r} cannot be loaded: {why}", file=sys.stderr)


def _add_plugin(info: ProtocolInfo, distribution: str) -> None:
    if not isinstance(info, ProtocolInfo) or not info.transports:
        raise TypeError("its INFO is no ProtocolInfo that names a transport")
    if info.scheme in _loaded or info.scheme in PACKAGES or info.scheme in ALIASES:
        raise ValueError(f"there is another {info.scheme!r} already")
    _loaded[info.scheme] = info
    _distributions[info.scheme] = distribution


def _table_first(infos: list[ProtocolInfo]) -> list[ProtocolInfo]:
    """Those of the table before the others, which must not take over what one of them means."""
    return sorted(infos, key=lambda info: info.scheme not in PACKAGES)


def _load_class(info: ProtocolInfo, path: str) -> Any:
    module, _, name = path.partition(":")
    with renamed({ImportError: lambda exc: _missing(info, exc), Exception: lambda exc: _broken(info, exc)}):
        return getattr(import_module(module), name)


def _missing(info: ProtocolInfo, exc: BaseException) -> MissingExtraError:
    return MissingExtraError(f"{info.scheme} needs a library that is not installed: {exc}", hint=install_hint(info))


def _broken(info: ProtocolInfo, exc: BaseException) -> UsageError:
    return UsageError(f"{info.scheme} cannot be loaded: {type(exc).__name__}: {exc}", hint=install_hint(info))


def _resolve(text: str, scheme: str, wanted: ProtocolInfo | None, marked: str) -> Scheme:
    if not scheme:
        return _resolve_bare(wanted or find(DEFAULT))
    name, _, transport = scheme.partition("+")
    named = _find_builtin(name.lower()) or (_find_plugin(name.lower()) if transport else None)
    info = named or _find_short(scheme.lower(), marked, wanted)
    if info is None:
        info = named = _find_plugin(name.lower())
    if info is None:
        raise AddressError(f"unknown scheme {scheme!r} in {address.masked(text)!r}", hint=_suggest_scheme(scheme, text))
    if wanted and wanted.scheme != info.scheme:
        raise AddressError(
            f"{scheme}:// is {info.scheme}, but --proto asks for {wanted.scheme}", hint="leave out one of the two"
        )
    found = _transport(info, scheme, transport if named else scheme.lower())
    if named and not transport and not text.startswith("://", len(scheme)):
        # Without slashes it is a spelling of the protocol's own, if it has such.
        found = next((each for each in info.transports if each.reader), found)
    return Scheme(scheme, info.scheme, found, found.port or info.port)


def _resolve_bare(info: ProtocolInfo) -> Scheme:
    first = info.transports[0]
    return Scheme(
        first.name if first.short else f"{info.scheme}+{first.name}", info.scheme, first, first.port or info.port
    )


def _find_short(scheme: str, text: str, wanted: ProtocolInfo | None) -> ProtocolInfo | None:
    """The protocol that a transport's name alone means: the one asked for, the default, or one that has it."""
    for info in (wanted, find(DEFAULT)):
        transport = info.transport(scheme) if info else None
        if transport and (transport.short or info is wanted):
            return info
    builtin = [info for name in PACKAGES if (info := _find_builtin(name))]
    # Plug-ins only after these: to look for them costs a cold call more than all else.
    return _find_sharer(builtin, scheme, text) or _find_sharer(_table_first(protocols()), scheme, text)


def _find_sharer(infos: Iterable[ProtocolInfo], scheme: str, text: str) -> ProtocolInfo | None:
    """Of the protocols with the transport, the one that the address's path means, else the one with the short form."""
    sharing = [(info, transport) for info in infos if (transport := info.transport(scheme))]
    marked = (info for info, transport in sharing if _is_marked(info, transport, text))
    return next(marked, None) or next((info for info, transport in sharing if transport.short), None)


def _is_marked(info: ProtocolInfo, transport: Transport, text: str) -> bool:
    place, _, query = text.partition("://")[2].partition("?")
    path = place.partition("/")[2] if transport.kind == "host" else query
    return any(mark in path for mark in info.paths)


def _transport(info: ProtocolInfo, scheme: str, name: str) -> Transport:
    transport = info.transport(name) if name else info.transports[0]
    if transport is None:
        names = [each.name for each in info.transports]
        raise AddressError(
            f"{info.scheme} has no transport {name!r}", hint=suggest(name, names, f"{info.scheme}+{names[0]}://")
        )
    return transport


def _suggest_scheme(scheme: str, text: str) -> str:
    known = []
    for info in protocols():
        known += [info.scheme, *info.aliases]
        for transport in info.transports:
            known += [transport.name] if transport.short else []
            known += [f"{info.scheme}+{transport.name}"] if transport.kind != "text" else []
    from difflib import get_close_matches

    near = get_close_matches(scheme.lower(), known, n=1, cutoff=0.5)
    return text.replace(scheme, near[0], 1) if near else f"one of: {', '.join(sorted(set(known)))}"

"""The protocols, one package each; nothing outside a package names it but the table in `rpcctl.registry`.

To add one, make a package of four files; a package of another distribution joins by an entry point in the group
`rpcctl.protocols` whose value is the dotted name of such a package.

    __init__.py  INFO, a `rpcctl.interfaces.ProtocolInfo`, and nothing else: it is imported to answer `--help`.
    codec.py     messages to frames and back, pure: no socket, thread or clock. Where a library owns the wire:
                 messages to what it takes and back.
    client.py    Client: connect, send, close, as `rpcctl.interfaces.Client` says; send_batch with the feature `batch`,
                 and with `pipeline` start, collect, abandon, for several calls at once on its one connection.
    server.py    Server: bind, serve, drain, close, as `rpcctl.interfaces.Server` says.

A client may have `preview` too, for `--dry-run` (`rpcctl.interfaces.PreviewClient`), and INFO.snippets may name
functions that write a call for people without rpcctl, for `--as curl` and `--as python`; they stand in `snippets.py`.

Clients and servers turn foreign exceptions into those of `rpcctl.errors` at their border, and import neither a sibling
nor the service nor the command line: what they need of those is handed in. What the wire cannot carry is left out of
INFO.features, and is then refused, documented and skipped in the behaviour suite by that alone.
"""

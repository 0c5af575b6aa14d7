"""Layers: what each file may import of rpcctl and of other distributions; and what a light start loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "rpcctl"

# Pattern of files > what they may import of rpcctl, as prefixes, and of other distributions; the first match decides.
CORE = ("rpcctl.described", "rpcctl.errors", "rpcctl.exits", "rpcctl.messages")
SEAMS = (
    *CORE,
    "rpcctl.address",
    "rpcctl.answers",
    "rpcctl.interfaces",
    "rpcctl.limits",
    "rpcctl.outcomes",
    "rpcctl.replies",
    "rpcctl.secrets",
    "rpcctl.settings",
    "rpcctl.streams",
    "rpcctl.turn",
)
SERVED = (
    *(*SEAMS, "rpcctl.registry", "rpcctl.service", "rpcctl.api", "rpcctl.batch"),
    *("rpcctl.hosting", "rpcctl.openrpc", "rpcctl.signals", "rpcctl.profiles", "rpcctl.cli"),
)
LAYERS = [
    ("__init__.py", ("rpcctl.api", "rpcctl.errors", "rpcctl.hosting", "rpcctl.messages", "rpcctl.proxy"), ()),
    ("__main__.py", ("rpcctl.cli.app",), ()),
    ("errors.py", (), ()),
    ("exits.py", (), ()),
    ("messages.py", (), ()),
    ("address.py", CORE, ()),
    ("interfaces.py", (*CORE, "rpcctl.address"), ()),
    ("settings.py", (*CORE, "rpcctl.address", "rpcctl.interfaces"), ()),
    ("described.py", ("rpcctl.messages",), ()),
    ("limits.py", CORE, ()),
    ("answers.py", (*CORE, "rpcctl.interfaces"), ()),
    ("streams.py", (*CORE, "rpcctl.interfaces", "rpcctl.answers"), ()),
    ("turn.py", CORE, ()),
    ("openrpc.py", CORE, ()),
    ("outcomes.py", CORE, ()),
    ("replies.py", (*CORE, "rpcctl.address", "rpcctl.interfaces"), ()),
    ("secrets.py", CORE, ()),
    ("profiles.py", SEAMS, ("tomllib", "tomli")),
    ("pipeline.py", (*SEAMS, "rpcctl.api", "rpcctl.batch"), ()),
    ("signals.py", CORE, ()),
    ("registry.py", SEAMS, ()),
    ("api.py", (*SEAMS, "rpcctl.registry", "rpcctl.service", "rpcctl.hosting", "rpcctl.batch", "rpcctl.pipeline"), ()),
    ("batch.py", (*SEAMS, "rpcctl.api"), ()),
    ("hosting.py", (*SEAMS, "rpcctl.registry", "rpcctl.service", "rpcctl.signals", "rpcctl.listening"), ()),
    ("listening.py", (*SEAMS, "rpcctl.registry", "rpcctl.service"), ()),
    ("pool.py", (*SEAMS, "rpcctl.api"), ()),
    ("proxy.py", (*SEAMS, "rpcctl.api", "rpcctl.listening", "rpcctl.pool", "rpcctl.service"), ()),
    ("histogram.py", (), ()),
    ("metrics.py", (*CORE, "rpcctl.address"), ("prometheus_client",)),
    ("bench/worker.py", (*SEAMS, "rpcctl.api", "rpcctl.bench", "rpcctl.service.stdio"), ()),
    ("bench/tally.py", (*CORE, "rpcctl.replies", "rpcctl.histogram"), ()),
    ("bench/*.py", (*SEAMS, "rpcctl.bench"), ()),
    ("service/*.py", (*SEAMS, "rpcctl.service"), ()),
    ("http/__init__.py", ("rpcctl.interfaces",), ()),
    ("http/*.py", (*SEAMS, "rpcctl.http", "rpcctl.sockets"), ("httptools", "uvicorn")),
    ("sockets/__init__.py", ("rpcctl.interfaces",), ()),
    ("sockets/*.py", (*SEAMS, "rpcctl.sockets"), ()),
    ("protocols/__init__.py", (), ()),
    ("protocols/*/__init__.py", ("rpcctl.interfaces", "rpcctl.messages", "rpcctl.http", "rpcctl.sockets"), ()),
    ("protocols/*/__init__.py", ("rpcctl.interfaces", "rpcctl.messages", "rpcctl.http"), ()),
    ("protocols/amqp/codec.py", (*CORE, "rpcctl.protocols.amqp.message"), ()),
    ("protocols/amqp/frames.py", CORE, ("amqp",)),
    ("protocols/amqp/virtual.py", (*SEAMS, "rpcctl.protocols.amqp"), ("kombu",)),
    ("protocols/amqp/*.py", (*SEAMS, "rpcctl.http", "rpcctl.sockets", "rpcctl.protocols.amqp"), ("amqp",)),
    ("protocols/zmq/codec.py", CORE, ("msgpack",)),
    ("protocols/zmq/channel.py", (*CORE, "rpcctl.protocols.zmq.codec"), ()),
    ("protocols/zmq/probe.py", (*SEAMS, "rpcctl.sockets.looks"), ()),
    ("protocols/zmq/*.py", (*SEAMS, "rpcctl.sockets.bell", "rpcctl.protocols.zmq"), ("zmq", "msgpack")),
    ("protocols/jsonrpc/client.py", (*SEAMS, "rpcctl.openrpc", "rpcctl.http", "rpcctl.protocols.jsonrpc"), ()),
    ("protocols/jsonrpc/server.py", (*SEAMS, "rpcctl.http", "rpcctl.protocols.jsonrpc"), ()),
    ("protocols/jsonrpc/snippets.py", (*SEAMS, "rpcctl.http", "rpcctl.protocols.jsonrpc"), ()),
    ("protocols/jsonrpc/calls.py", (*SEAMS, "rpcctl.http", "rpcctl.protocols.jsonrpc"), ()),
    ("protocols/jsonrpc/*.py", (*CORE, "rpcctl.openrpc", "rpcctl.protocols.jsonrpc"), ()),
    ("protocols/manager/client.py", (*SEAMS, "rpcctl.sockets", "rpcctl.protocols.manager"), ()),
    ("protocols/manager/line.py", (*SEAMS, "rpcctl.sockets", "rpcctl.protocols.manager"), ()),
    ("protocols/manager/server.py", (*SEAMS, "rpcctl.sockets", "rpcctl.protocols.manager"), ()),
    ("protocols/manager/calls.py", (*SEAMS, "rpcctl.sockets", "rpcctl.protocols.manager"), ()),
    *(
        (f"protocols/manager/{name}.py", (*SEAMS, "rpcctl.protocols.manager"), ())
        for name in ("desk", "place", "previews", "snippets", "streams")
    ),
    ("protocols/manager/*.py", (*CORE, "rpcctl.protocols.manager"), ()),
    ("protocols/msgpackrpc/codec.py", (*CORE, "rpcctl.protocols.msgpackrpc"), ("msgpack",)),
    ("protocols/msgpackrpc/extensions.py", (), ("msgpack",)),
    ("protocols/msgpackrpc/faults.py", CORE, ()),
    ("protocols/msgpackrpc/description.py", CORE, ()),
    ("protocols/msgpackrpc/*.py", (*SEAMS, "rpcctl.sockets", "rpcctl.protocols.msgpackrpc"), ()),
    ("protocols/py/*.py", (*SEAMS, "rpcctl.protocols.py"), ()),
    ("protocols/pyro/codec.py", (*CORE, "rpcctl.sockets.looks"), ()),
    ("protocols/pyro/encodings.py", (*CORE, "rpcctl.protocols.pyro.literals"), ("msgpack",)),
    ("protocols/pyro/literals.py", (), ()),
    *((f"protocols/pyro/{name}.py", (*CORE, "rpcctl.protocols.pyro"), ()) for name in ("faults", "description")),
    ("protocols/pyro/*.py", (*SEAMS, "rpcctl.sockets", "rpcctl.http", "rpcctl.protocols.pyro"), ()),
    ("protocols/xmlrpc/scalars.py", (), ()),
    ("protocols/xmlrpc/reader.py", (*CORE, "rpcctl.protocols.xmlrpc.scalars"), ()),
    ("protocols/xmlrpc/codec.py", (*CORE, "rpcctl.protocols.xmlrpc.reader"), ()),
    ("protocols/xmlrpc/*.py", (*SEAMS, "rpcctl.http", "rpcctl.protocols.xmlrpc"), ()),
    ("cli/grammar.py", (*SEAMS, "rpcctl.__version__", "rpcctl.registry", "rpcctl.cli"), ("typer",)),
    ("cli/command.py", SEAMS, ()),
    ("cli/options.py", SEAMS, ()),
    ("cli/quick.py", ("rpcctl.cli.command", "rpcctl.interfaces"), ()),
    ("cli/words.py", (*CORE, "rpcctl.cli"), ()),
    ("cli/stub.py", (*CORE, "rpcctl.interfaces", "rpcctl.cli.stub_types"), ()),
    ("cli/stub_types.py", (), ()),
    ("cli/roff.py", (), ()),
    ("cli/manual.py", (*SEAMS, "rpcctl.__version__", "rpcctl.registry", "rpcctl.cli"), ()),
    ("cli/select.py", CORE, ("jmespath",)),
    ("cli/yaml_text.py", (), ("yaml",)),
    ("cli/output.py", (*CORE, "rpcctl.cli"), ("rich",)),
    ("cli/prompt.py", (*CORE, "rpcctl.cli"), ("prompt_toolkit",)),
    ("cli/bench*.py", (*SEAMS, "rpcctl.registry", "rpcctl.bench", "rpcctl.cli"), ()),
    ("cli/serving.py", (*SERVED, "rpcctl.metrics", "rpcctl.proxy"), ()),
    ("cli/proxy.py", (*SEAMS, "rpcctl.proxy", "rpcctl.service.outcome", "rpcctl.cli"), ()),
    ("cli/traffic.py", (*CORE, "rpcctl.histogram", "rpcctl.cli"), ()),
    ("cli/*.py", SERVED, ("rich",)),
]
# A codec is pure: it must not even see what moves bytes or tells the time.
IMPURE = {"socket", "zmq", "threading", "time", "select", "asyncio", "random", "os"}
STANDARD = sys.stdlib_module_names | {"annotationlib"}  # which 3.14 adds
FILES = sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Dotted names that the file imports, `from a import b` as `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 or {"protocols", "http", "sockets"} & set(path.parts), (
                "imports are absolute between packages"
            )
            package = ".".join(("rpcctl", *path.relative_to(ROOT).parts[:-1])) if node.level else ""
            module = ".".join(part for part in (package, node.module or "") if part)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_what_its_layer_may(path):
    relative = path.relative_to(ROOT)
    depth = len(relative.parts)
    ours, others = next(
        (own, more) for pattern, own, more in LAYERS if relative.match(pattern) and pattern.count("/") == depth - 1
    )
    for name in imports(path):
        top = name.partition(".")[0]
        if top == "rpcctl":
            assert any(f"{name}.".startswith(f"{each}.") for each in ours), f"{relative} may not import {name}"
        else:
            assert top in STANDARD or top in others, f"{relative} may not import {name}"


@pytest.mark.parametrize("name", ["codec", "channel"])
def test_codecs_are_pure(name):
    for path in ROOT.glob(f"protocols/*/{name}.py"):
        assert not {each.partition(".")[0] for each in imports(path)} & IMPURE, path


def loaded_by(code: str) -> set[str]:
    """What a fresh interpreter has imported after running `code`."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


HEAVY = {
    "jmespath",
    "yaml",
    "rich",
    "typer",
    "asyncio",
    "dataclasses",
    "inspect",
    "logging",
    "importlib.metadata",
    "http.client",
    "urllib.request",
    "prometheus_client",
}


def test_importing_the_package_loads_nothing():
    assert not {name for name in loaded_by("import rpcctl") if name.startswith("rpcctl.")}


def test_the_program_loads_no_wire_and_nothing_heavy():
    loaded = loaded_by("import rpcctl.cli.app")
    assert not loaded & (HEAVY | {"zmq", "msgpack"})


def test_a_call_loads_its_own_wire_and_nothing_heavy():
    # The call fails at once, on a port where nothing can listen; by then all that a call needs is loaded.
    words = ["call", "tcp://127.0.0.1:1", "add", "2", "x", "--connect-timeout", "0.01"]
    code = f"from rpcctl.cli.app import main\nmain({words!r})"
    loaded = loaded_by(code)
    assert "zmq" in loaded
    # From Python 3.12 on, pyzmq itself loads inspect.
    assert not loaded & (HEAVY - loaded_by("import zmq, msgpack"))
    assert not {name for name in loaded if name.startswith("rpcctl.service")}


def test_a_call_over_http_loads_no_server_and_no_other_wire():
    words = ["call", "http://127.0.0.1:1/", "add", "2", "x", "--connect-timeout", "0.01"]
    loaded = loaded_by(f"from rpcctl.cli.app import main\nmain({words!r})")
    assert "http.client" in loaded
    assert not loaded & (HEAVY - {"http.client"} | {"jsonrpclib", "uvicorn", "httptools", "zmq", "msgpack", "decimal"})
    assert not {name for name in loaded if name.startswith("rpcctl.service")}


def test_serving_over_http_loads_no_library_that_only_targets_need():
    loaded = loaded_by("from rpcctl.hosting import Server\nwith Server('time', 'http://127.0.0.1:0/'): pass")
    assert "uvicorn" in loaded
    assert not loaded & {"jsonrpclib", "zmq", "msgpack", "rich", "typer"}

"""The table of protocols, and protocols of other distributions, which join it without a change to rpcctl."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rpcctl import registry
from rpcctl.errors import AddressError, MissingExtraError, UsageError
from rpcctl.hosting import Server
from rpcctl.interfaces import FEATURES
from rpcctl.registry import parse_address
from tests.line.server import greetings
from tests.shell import rpcctl

ROOT = Path(__file__).parent.parent
SAMPLE = "py:tests.sample"
ONE_OF = f"one of: {', '.join(registry.PACKAGES)}"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """A registry that has loaded nothing, put back when the test ends."""
    monkeypatch.setattr(registry, "_loaded", {})
    monkeypatch.setattr(registry, "_distributions", {})
    monkeypatch.setattr(registry, "_seen", set())


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs a distribution whose protocol is a package; with its source, if it has none yet."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(package: str, source: str = "", *, name: str = "") -> None:
        name = name or package.rpartition(".")[2].removeprefix("acme_")
        info = tmp_path / f"acme_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[rpcctl.protocols]\n{name} = {package}\n")
        if source:
            (tmp_path / package).mkdir()
            (tmp_path / package / "__init__.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))  # Tells the import system that there is something new.

    yield write
    for module in [each for each in sys.modules if each.startswith("acme_")]:
        del sys.modules[module]


def info_source(scheme: str, more: str = "") -> str:
    """The module of a protocol that is described, and no more."""
    return (
        "from rpcctl.interfaces import Option, ProtocolInfo, Transport\n"
        f"INFO = ProtocolInfo({scheme!r}, 'made up', (Transport('tcp', default='{scheme}+tcp://127.0.0.1:1'),),\n"
        f"    **{{'client': 'acme_{scheme}.client:Client', {more}}})\n"
    )


def test_the_table_is_sorted_and_each_protocol_bears_its_name():
    assert list(registry.PACKAGES) == sorted(registry.PACKAGES)
    for scheme, package in registry.PACKAGES.items():
        assert registry.find(scheme).scheme == scheme
        assert package == f"rpcctl.protocols.{scheme}"


def test_the_table_of_aliases_says_what_each_protocol_says():
    assert list(registry.ALIASES) == sorted(registry.ALIASES)
    declared = {alias: scheme for scheme in registry.PACKAGES for alias in registry.find(scheme).aliases}
    assert declared == registry.ALIASES
    assert not set(declared) & set(registry.PACKAGES)


def test_every_package_of_a_protocol_is_in_the_table():
    folders = {each.parent.name for each in (ROOT / "rpcctl" / "protocols").glob("*/__init__.py")}
    assert folders == set(registry.PACKAGES)


@pytest.mark.parametrize("info", registry.protocols(), ids=lambda info: info.scheme)
def test_what_a_protocol_declares_is_of_a_piece(info):
    assert info.features <= set(FEATURES)
    assert registry.is_installed(info)
    for role in ("client", "server"):
        names = [option.name for option in info.options if role in option.roles]
        assert len(set(names)) == len(names)
    for transport in info.transports:
        if transport.default:
            at = parse_address(transport.default)
            assert (at.protocol, at.transport, str(at)) == (info.scheme, transport.name, transport.default)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("zqm", "zmq"), ("zerorcp", ONE_OF), ("", ONE_OF)],
)
def test_an_unknown_protocol_suggests(typed, hint):
    with pytest.raises(UsageError) as caught:
        registry.find(typed)
    assert repr(typed) in caught.value.message
    assert hint in caught.value.hint


def test_a_protocol_of_another_distribution_is_found_by_name_alias_and_scheme(install):
    install("tests.line")
    assert registry.find("line").scheme == "line"
    assert registry.find("jsonlines").scheme == "line"
    for text in ("line://h:1", "line+tcp://h:1", "jsonlines://h:1", "lines://h:1", "line+lines://h:1"):
        at = parse_address(text)
        assert (at.protocol, at.port, str(at)) == ("line", 1, text)
    assert parse_address(":1", "line").protocol == "line"
    assert parse_address("line://h").port == 4300


def test_what_is_near_its_name_is_suggested(install):
    install("tests.line")
    with pytest.raises(UsageError) as caught:
        registry.find("lime")
    assert "line" in caught.value.hint
    with pytest.raises(AddressError) as refused:
        parse_address("line+udp://h:1")
    assert "'udp'" in refused.value.message


def test_it_is_used_from_end_to_end(install):
    install("tests.line")
    with Server("tests.sample", "line://127.0.0.1:0") as server:
        at = str(server.addresses[0])
        assert at.startswith("line://127.0.0.1:")
        assert rpcctl("call", at, "add", "2", "3").json == 5
        assert rpcctl("call", at, "default", "1", "c=9").json == [1, 2, 9]
        assert rpcctl("call", at.removeprefix("line://"), "add", "2", "3", "--proto", "line").json == 5
        failed = rpcctl("call", at, "fail", "boom", "--json")
        assert (failed.exit_status, failed.error["protocol"]) == (22, "line")
        assert rpcctl("call", at, "nope").exit_status == 78
        assert "line has no list and describe" in rpcctl("list", at).stderr
    assert rpcctl("call", at, "add", "2", "3").exit_status == 7


@pytest.mark.parametrize(
    ("words", "code", "names"),
    [
        (["cast", "line://127.0.0.1:1", "add", "1", "2"], 2, "line has no one-way calls"),
        (["call", "line://127.0.0.1:1?colour=red", "add"], 3, "line has no option 'colour'"),
        (["call", "line://127.0.0.1:1", "add", "--push"], 2, "--push"),
        (["call", SAMPLE, "nothing", "--greeting", "hello"], 2, "--greeting"),
    ],
)
def test_what_its_wire_lacks_is_refused_by_name(install, words, code, names):
    install("tests.line")
    done = rpcctl(*words)
    assert done.exit_status == code
    assert names in done.stderr


def test_an_option_of_both_ends_is_offered_once():
    assert rpcctl("call", "http://127.0.0.1:1/?zzz=1", "add").stderr.count("cacert") == 1


def test_its_own_options_are_offered_and_read(install):
    install("tests.line")
    assert "--greeting" in rpcctl("call", "--help", env={"COLUMNS": "200"})
    assert "--shout" not in rpcctl("call", "--help", env={"COLUMNS": "200"})
    assert "--shout" in rpcctl("serve", "--help", env={"COLUMNS": "200"})
    with Server("tests.sample", "line://127.0.0.1:0", options={"shout": True}) as server:
        at = str(server.addresses[0])
        assert rpcctl("call", at, "echo", "hi", "--greeting", "by flag").json == "HI"
        assert greetings.get(timeout=5) == "by flag"
        rpcctl("call", f"{at}?greeting=by%20query", "echo", "hi")
        assert greetings.get(timeout=5) == "by query"
        rpcctl("call", at, "echo", "hi", env={"RPCCTL_GREETING": "by variable"})
        assert greetings.get(timeout=5) == "by variable"


def test_it_is_listed_with_its_own_distribution(install):
    install("tests.line")
    rows = {row["protocol"]: row for row in map(json.loads, rpcctl("protocols", "-f", "ndjson").splitlines())}
    assert sorted(rows) == sorted(["line", *registry.PACKAGES])
    assert rows["line"] == {
        "protocol": "line",
        "aliases": ["jsonlines"],
        "speaks": "JSON, one message a line",
        "transports": ["tcp", "lines"],
        "default": "line+tcp://127.0.0.1:4300",
        "features": ["args", "kwargs"],
        "installed": "yes",
    }


def test_it_leaves_the_others_as_they_were(install):
    before = [row for row in rpcctl("protocols", "-f", "ndjson").splitlines() if '"line"' not in row]
    meant = [str(parse_address(text)) for text in (":1", "tcp://h:1", "ipc:///s", "zerorpc://h", "py:math")]
    install("tests.line")
    registry._loaded.clear()
    after = [row for row in rpcctl("protocols", "-f", "ndjson").splitlines() if '"line"' not in row]
    assert after == before
    assert [str(parse_address(text)) for text in (":1", "tcp://h:1", "ipc:///s", "zerorpc://h", "py:math")] == meant
    assert parse_address("tcp://h:1").protocol == "zmq"


def test_it_is_not_loaded_for_another_protocols_call(tmp_path, install):
    install("acme_loud", "raise SystemExit('loaded')")
    script = "from rpcctl.cli.app import main\nraise SystemExit(main(['call', 'py:math', 'sqrt', '4']))"
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=20)
    assert (done.stdout, done.stderr, done.returncode) == ("2.0\n", "", 0)


BROKEN = [
    # source of the package, what the warning says
    ("import nosuchlibrary", "nosuchlibrary"),
    ("1 / 0", "division by zero"),
    ("raise SystemExit(7)", "7"),
    ("raise KeyError", "KeyError"),
    ("this is no Python", "invalid syntax"),
    ("x = 1", "INFO"),
    ("INFO = None", "INFO"),
    ("INFO = ('broken', 'one', ())", "INFO"),
    ("from rpcctl.interfaces import ProtocolInfo\nINFO = ProtocolInfo('broken', 'one', (), 'x:y')", "transport"),
    (info_source("zmq"), "another 'zmq'"),
    (info_source("py"), "another 'py'"),
    (info_source("zerorpc"), "another 'zerorpc'"),
]


@pytest.mark.parametrize(("source", "says"), BROKEN, ids=[row[1] for row in BROKEN])
def test_a_broken_one_warns_once_and_harms_nobody(install, source, says):
    install("acme_broken", source)
    install("tests.line")
    done = rpcctl("protocols", "-f", "ndjson")
    assert [json.loads(row)["protocol"] for row in done.splitlines()] == sorted(["line", *registry.PACKAGES])
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("rpcctl: warning: protocol 'broken' cannot be loaded: ")
    assert says in warning
    assert done.exit_status == 0
    registry._loaded.clear()
    registry._seen.clear()
    helped = rpcctl("call", "--help")
    assert (helped.exit_status, helped.stderr.count("warning")) == (0, 1)
    assert rpcctl("call", SAMPLE, "add", "2", "3").json == 5
    assert registry.find("zmq").client == "rpcctl.protocols.zmq.client:Client"


def test_an_option_spelled_like_one_of_ours_leaves_ours_alone(install):
    options = "Option('timeout', 'theirs'), Option('address', 'x'), Option('mine', 'x', 'X', short='-v')"
    install("acme_greedy", info_source("greedy", f"'options': ({options}, Option('own-one', 'x', 'X'))"))
    helped = rpcctl("call", "--help", env={"COLUMNS": "200"})
    assert helped.exit_status == 0
    assert "Theirs" not in helped
    assert re.search(r"--mine +X", helped)
    assert "-v  --mine" not in helped.replace(",", " ")
    assert "--own-one" in helped
    assert rpcctl("call", SAMPLE, "slow", "5", "--timeout", "0.1").exit_status == 28
    assert rpcctl("call", SAMPLE, "add", "2", "3", "--timeout=5").json == 5
    assert rpcctl("__complete", "call", "--tim").exit_status in (0, 2)


def test_what_the_table_means_by_a_scheme_no_other_takes_over(install, monkeypatch):
    source = info_source("aaa").replace("Transport('tcp',", "Transport('lines', short=True,")
    install("acme_aaa", source)
    monkeypatch.setitem(registry.PACKAGES, "line", "tests.line")
    assert parse_address("lines://h:1").protocol == "line"


def test_a_missing_library_is_told_with_the_line_that_installs_it(install):
    install("acme_bare", info_source("bare", "'extra': 'fast'"))
    info = registry.find("bare")
    assert not registry.is_installed(info)
    with pytest.raises(MissingExtraError) as caught:
        registry.client(parse_address("bare://h:1"), None)  # type: ignore[arg-type]  # it is not even looked at
    assert caught.value.exit_code == 4
    done = rpcctl("call", "bare://127.0.0.1:1", "add")
    assert done.exit_status == 4
    assert "acme_bare.client" in done.stderr
    assert "hint: pip install 'acme-bare[fast]'" in done.stderr
    rows = {row["protocol"]: row for row in map(json.loads, rpcctl("protocols", "-f", "ndjson").splitlines())}
    assert rows["bare"]["installed"] == "pip install 'acme-bare[fast]'"


def test_our_own_extras_are_named_as_ours():
    info = registry.find("zmq")
    assert registry.install_hint(info._replace(extra="amqp")) == "pip install 'rpcctl[amqp]'"
    assert registry.install_hint(info) == "pip install --force-reinstall rpcctl"


@pytest.mark.parametrize("source", ["1 / 0", "x = 1"], ids=["raises", "has no Client"])
def test_a_client_that_cannot_be_loaded_costs_its_own_calls_only(install, tmp_path, source):
    install("acme_bad", info_source("bad"))
    (tmp_path / "acme_bad" / "client.py").write_text(source)
    done = rpcctl("call", "bad://127.0.0.1:1", "add")
    assert done.exit_status == 2
    assert "bad cannot be loaded" in done.stderr
    assert "acme-bad" in done.stderr
    listed = rpcctl("protocols", "-f", "ndjson")
    assert listed.exit_status == 0
    assert len(listed.splitlines()) == len(registry.PACKAGES) + 1


def test_a_protocol_without_a_server_cannot_be_served(install):
    install("acme_bare", info_source("bare"))
    done = rpcctl("serve", "time", "--bind", "bare://127.0.0.1:0")
    assert done.exit_status == 2
    assert "bare cannot be served" in done.stderr


@pytest.mark.parametrize("text", ["msgpackrpc:/run/nvim.sock", "msgpackrpc:127.0.0.1:18800", "amqp:folder"])
def test_an_address_that_lacks_its_slashes_is_no_command_to_run(text):
    with pytest.raises(AddressError, match="// is missing"):
        parse_address(text)

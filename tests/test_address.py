"""Addresses: one table of what parses and how it is printed back, one of what does not and why."""

import pytest

from rpcctl.errors import AddressError
from rpcctl.registry import parse_address

PARSED = [
    # typed, --proto, protocol, transport, host, port, path, printed
    ("tcp://127.0.0.1:4242", None, "zmq", "tcp", "127.0.0.1", 4242, "", "tcp://127.0.0.1:4242"),
    ("zmq+tcp://127.0.0.1:4242", None, "zmq", "tcp", "127.0.0.1", 4242, "", "zmq+tcp://127.0.0.1:4242"),
    ("zerorpc+tcp://h:1", None, "zmq", "tcp", "h", 1, "", "zerorpc+tcp://h:1"),
    ("zmq://h", None, "zmq", "tcp", "h", 4242, "", "zmq://h:4242"),
    (":4242", None, "zmq", "tcp", "127.0.0.1", 4242, "", "tcp://127.0.0.1:4242"),
    (":4242", "zerorpc", "zmq", "tcp", "127.0.0.1", 4242, "", "tcp://127.0.0.1:4242"),
    ("localhost:1", "zmq", "zmq", "tcp", "localhost", 1, "", "tcp://localhost:1"),
    (":4242?heartbeat=2", None, "zmq", "tcp", "127.0.0.1", 4242, "", "tcp://127.0.0.1:4242?heartbeat=2"),
    ("[::1]:55", None, "zmq", "tcp", "::1", 55, "", "tcp://[::1]:55"),
    ("tcp://[fe80::1%eth0]:5", None, "zmq", "tcp", "fe80::1%eth0", 5, "", "tcp://[fe80::1%eth0]:5"),
    ("tcp://*:0", None, "zmq", "tcp", "*", 0, "", "tcp://*:0"),
    ("tcp://h", None, "zmq", "tcp", "h", 4242, "", "tcp://h:4242"),
    ("tcp://bücher.example:1", None, "zmq", "tcp", "bücher.example", 1, "", "tcp://bücher.example:1"),
    ("ipc:///run/a.sock", None, "zmq", "ipc", "", 0, "/run/a.sock", "ipc:///run/a.sock"),
    ("ipc://@abstract", None, "zmq", "ipc", "", 0, "@abstract", "ipc://@abstract"),
    ("py:math", None, "py", "py", "", 0, "math", "py:math"),
    ("py:os.path:join", None, "py", "py", "", 0, "os.path:join", "py:os.path:join"),
    ("py:m:f('a b')", None, "py", "py", "", 0, "m:f('a b')", "py:m:f('a b')"),
    ("tcp://h:1?heartbeat=off", None, "zmq", "tcp", "h", 1, "", "tcp://h:1?heartbeat=off"),
    ("http://h/RPC2", None, "xmlrpc", "http", "h", 80, "/RPC2", "http://h:80/RPC2"),
    ("https://h/xmlrpc.php", None, "xmlrpc", "https", "h", 443, "/xmlrpc.php", "https://h:443/xmlrpc.php"),
    ("http://RPC2/", None, "jsonrpc", "http", "RPC2", 80, "/", "http://RPC2:80/"),
    ("http+unix:///s?path=/RPC2", None, "xmlrpc", "http+unix", "", 0, "/s", "http+unix:///s?path=/RPC2"),
    ("http+unix:///RPC2", None, "jsonrpc", "http+unix", "", 0, "/RPC2", "http+unix:///RPC2"),
]

REFUSED = [
    # typed, --proto, what the message names, what the hint offers
    ("", None, "empty", "rpcctl protocols"),
    (" h:1", None, "blanks", "rpcctl protocols"),
    ("a b:1", None, "'a b'", ""),
    ("localhost", None, "no port", "tcp://localhost"),
    ("tcpp://h:1", None, "'tcpp'", "tcp://h:1"),
    ("zmqq+tcp://h:1", None, "'zmqq+tcp'", "zmq+tcp://h:1"),
    ("zmq+udp://h:1", None, "'udp'", "zmq+tcp"),
    ("gopher://h:1", None, "'gopher'", "one of"),
    ("15001", None, "no port", ":15001"),
    ("py:", None, "no target", "py:math"),
    (":1", "py", "no py address", "py:TARGET"),
    ("tcp:/h:1", None, "// is missing", "tcp://h:1"),
    ("tcp://h:99999", None, "'99999'", ""),
    ("tcp://h:x", None, "'x'", ""),
    ("tcp://h:-1", None, "'-1'", ""),
    ("tcp://h:\uff11", None, "'\uff11'", ""),
    ("tcp://a..b:1", None, "'a..b'", ""),
    ("tcp://-h:1", None, "'-h'", ""),
    ("tcp://[zz]:1", None, "'zz'", "[::1]"),
    ("tcp://[::1:1", None, "'[::1:1'", "[brackets]"),
    ("ipc://", None, "no path", "ipc:///"),
    ("tcp://h:1?x", None, "'x'", ""),
    ("@prod", None, "'prod'", "tcp://"),
    ("py:math", "zmq", "--proto", "leave out"),
]


@pytest.mark.parametrize(("typed", "proto", "protocol", "transport", "host", "port", "path", "printed"), PARSED)
def test_parses_and_prints_back(typed, proto, protocol, transport, host, port, path, printed):
    address = parse_address(typed, proto)
    assert (address.protocol, address.transport, address.host, address.port, address.path) == (
        protocol,
        transport,
        host,
        port,
        path,
    )
    assert str(address) == printed
    assert parse_address(printed) == address


@pytest.mark.parametrize(("typed", "proto", "names", "hint"), REFUSED)
def test_refuses_with_the_part_at_fault(typed, proto, names, hint):
    with pytest.raises(AddressError) as caught:
        parse_address(typed, proto)
    assert names in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "typed", ["tcp://bob:s3cret@h:1", "tcp://bob:s3cret@h:x", "tcp://bob:s3cret@a..b:1", "nope://bob:s3cret@h"]
)
def test_a_password_is_never_shown(typed):
    try:
        shown = repr(parse_address(typed)) + str(parse_address(typed))
    except AddressError as exc:
        shown = exc.message + exc.hint
    assert "s3cret" not in shown
    assert "bob" in shown


def test_a_password_is_kept_for_the_protocol():
    address = parse_address("tcp://b%40b:s%3Acret@h:1")
    assert (address.user, address.password) == ("b@b", "s:cret")


@pytest.mark.parametrize(
    ("typed", "loopback"),
    [
        ("tcp://127.9.9.9:1", True),
        ("tcp://localhost:1", True),
        ("tcp://[::1]:1", True),
        ("ipc://x", True),
        ("tcp://*:1", False),
        ("tcp://10.0.0.1:1", False),
        ("tcp://h:1", False),
        ("tcp://[::]:1", False),
    ],
)
def test_knows_what_other_machines_can_reach(typed, loopback):
    assert parse_address(typed).is_loopback() is loopback


def test_the_protocol_asked_for_beats_what_a_path_means():
    assert parse_address("http://h/RPC2", "jsonrpc").protocol == "jsonrpc"
    assert parse_address("jsonrpc+http://h/RPC2").protocol == "jsonrpc"
    assert parse_address("http://h/", "xmlrpc").protocol == "xmlrpc"

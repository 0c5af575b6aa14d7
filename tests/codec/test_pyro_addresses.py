"""Pyro's addresses: read, printed back the same, and what they mean."""

import pytest

from rpcctl import registry
from rpcctl.errors import AddressError
from rpcctl.protocols.pyro.uri import Place, place_at, place_of, spell

TCP = place_at("pyro", "h", 5)
NAMES = place_at("pyro", "127.0.0.1", 9090)
ADDRESSES = [
    ("PYRO:obj@h:5", Place(TCP, "obj")),
    ("pyro:obj@h:5", Place(TCP, "obj")),
    ("PYRO:a:b/c.d@h:5", Place(TCP, "a:b/c.d")),
    ("PYRO:obj@h:5?serializer=json", Place(TCP, "obj")),
    ("PYRO:obj@[::1]:5", Place(place_at("pyro", "::1", 5), "obj")),
    ("PYRO:obj@./u:/tmp/a socket", Place(place_at("pyro", "", 0, "/tmp/a socket"), "obj")),
    ("PYRONAME:a.b", Place(NAMES, "a.b", "pyroname")),
    ("PYRONAME:a.b@h", Place(place_at("pyro", "h", 9090), "a.b", "pyroname")),
    ("pyroname:a.b@h:5", Place(TCP, "a.b", "pyroname")),
    ("PYRONAME:a@./u:/ns", Place(place_at("pyro", "", 0, "/ns"), "a", "pyroname")),
    ("PYROMETA:a,b@h:5", Place(TCP, "a,b", "pyrometa")),
    ("pyro+tcp://h:5", Place(TCP)),
    ("pyro+tcp://h:5/", Place(TCP)),
    ("pyro+tcp://h:5/obj", Place(TCP, "obj")),
    ("pyro+tcp://h:5/a%20b", Place(TCP, "a b")),
    ("pyro+unix:///run/x", Place(place_at("pyro", "", 0, "/run/x"))),
    ("pyro+unix:///run/x#obj", Place(place_at("pyro", "", 0, "/run/x"), "obj")),
]


@pytest.mark.parametrize(("text", "place"), ADDRESSES)
def test_each_form_and_what_it_means(text, place):
    address = registry.parse_address(text)
    assert str(address) == text
    assert address.protocol == "pyro"
    assert place_of(address) == place


def test_without_a_transport_it_is_tcp():
    assert place_of(registry.parse_address("pyro://h:5/obj")).object == "obj"
    assert place_of(registry.parse_address("h:5", "pyro")).at.port == 5
    assert registry.parse_address("pyro+tls://h:5/obj").transport == "tls"


@pytest.mark.parametrize(
    ("text", "loopback"),
    [("PYRO:o@127.0.0.1:5", True), ("PYRO:o@0.0.0.0:5", False), ("PYRO:o@./u:/x", True), ("PYRO:o@[::]:5", False)],
)
def test_who_can_reach_it(text, loopback):
    assert registry.parse_address(text).is_loopback() is loopback


WRONG = [
    ("PYRO:", "names no object"),
    ("PYRO:@h:5", "names no object"),
    ("PYRO:a b@h:5", "names no object"),
    ("PYRO:obj", "not where"),
    ("PYRO:obj@", "not where"),
    ("PYRO:obj@h", "names no port"),
    ("PYRO:obj@h:x", "port 'x'"),
    ("PYRO:obj@h:99999", "port '99999'"),
    ("PYRO:obj@[::1:5", "is not HOST:PORT"),
    ("PYRO:obj@[h]:5", "IPv6"),
    ("PYRO:obj@./u:", "no path"),
    ("PYRO:obj@./u:/a:b", "colon"),
    ("PYRO:obj@h:5?x", "OPTION=VALUE"),
    ("PYRONAME:", "names no object"),
    ("PYROTECHNICS:x@h:5", "unknown scheme"),
]


@pytest.mark.parametrize(("text", "why"), WRONG)
def test_what_is_no_address(text, why):
    with pytest.raises(AddressError, match=why):
        registry.parse_address(text)


@pytest.mark.parametrize("text", ["PYRO:obj@h", "PYRO:obj@h:", "PYRO:obj@"])
def test_the_hint_is_in_pyros_own_spelling(text):
    with pytest.raises(AddressError) as caught:
        registry.parse_address(text)
    assert caught.value.hint == "PYRO:OBJECT@HOST:PORT"


SPELLED = [
    ("pyro+tcp://h:5", "obj", "PYRO:obj@h:5"),
    ("pyro+tcp://[::1]:5", "obj", "PYRO:obj@[::1]:5"),
    ("pyro+unix:///run/x", "obj", "PYRO:obj@./u:/run/x"),
    ("pyro+unix:///run/x:y", "obj", "pyro+unix:///run/x:y#obj"),
    ("pyro+tls://h:5", "obj", "pyro+tls://h:5/obj"),
    ("pyro+tls://h:5", "a b", "pyro+tls://h:5/a%20b"),
]


@pytest.mark.parametrize(("text", "name", "spelled"), SPELLED)
def test_how_a_server_spells_its_own(text, name, spelled):
    at = place_of(registry.parse_address(text)).at
    found = spell(at, name)
    assert str(found) == spelled
    assert place_of(found) == Place(at, name)
    assert registry.parse_address(spelled) == found

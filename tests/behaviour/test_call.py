"""Plain calls: values there and back, names that must not be reached."""

import math

import pytest

from rpcctl.api import Connection
from rpcctl.errors import ArgumentError
from tests.conftest import every_protocol, protocols_with

VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**53 + 1,
    -(2**63),
    1.5,
    -0.0,
    "",
    "text",
    "é 漢 \U0001f600",
    "x" * 100_000,
    [],
    [1, [2, [3]]],
    {},
    {"a": 1, "b": {"c": [None]}},
]


@every_protocol()
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_a_value_comes_back_as_it_went(client, value):
    assert client.echo(value) == value
    assert type(client.echo(value)) is type(value)


@every_protocol()
def test_control_characters_come_back_or_are_refused_by_name(client):
    if client.info.encoding.control_characters:
        assert client.echo("\x00\x1b") == "\x00\x1b"
    else:
        with pytest.raises(ArgumentError, match=r"U\+0000 at index 1"):
            client.echo("a\x00\x1b")


@every_protocol()
def test_bytes_come_back_as_bytes_where_the_wire_has_them(client):
    expected = b"\x00\xff" if client.info.encoding.binary else "AP8="
    assert client.echo(b"\x00\xff") == expected


@every_protocol()
def test_not_a_number_comes_back_as_the_wire_can(client):
    value = client.echo(float("nan"))
    assert math.isnan(value) if client.info.encoding.nan else value == "NaN"


@every_protocol("args")
def test_positional_arguments_and_defaults(client):
    assert client.add(2, 3) == 5
    assert client.default(1) == [1, 2, 3]
    assert client.default(1, 5) == [1, 5, 3]


@every_protocol("kwargs")
def test_named_arguments(client):
    assert client.default(a=1, c=9) == [1, 2, 9]
    assert client.add(a=2, b=3) == 5


@pytest.mark.parametrize("protocol", sorted(set(protocols_with()) - set(protocols_with("kwargs"))))
def test_named_arguments_are_refused_by_name_where_the_wire_has_none(client):
    with pytest.raises(ArgumentError, match="colour="):
        client.default(1, colour="red")


@pytest.mark.parametrize("protocol", sorted(set(protocols_with()) - set(protocols_with("args"))))
def test_arguments_by_position_are_refused_where_the_wire_has_none(client):
    with pytest.raises(ArgumentError, match="by position"):
        Connection(client.address).call("add", 2, 3)


@every_protocol()
def test_many_calls_on_one_connection(client):
    assert [client.add(n, n) for n in range(200)] == [2 * n for n in range(200)]


@every_protocol()
def test_none_is_a_result(client):
    assert client.nothing() is None


@every_protocol()
def test_a_coroutine_function_is_called_like_any_other(client):
    assert client.slow_async(0.01) == 0.01

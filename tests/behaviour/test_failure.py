"""Calls that fail: each costs the call an error and nothing else."""

import pytest

from rpcctl.errors import ArgumentError, InvalidArgumentsError, MethodNotFoundError, RemoteError
from tests.conftest import every_protocol

FAILING = [
    # method, arguments, type and message that the caller sees
    ("fail", ("boom é",), "ValueError", "boom é"),
    ("fail", ("",), "ValueError", ""),
    ("fail_strangely", (), "Unprintable", ""),
    ("leave", (), "SystemExit", "3"),
    ("recurse", (), "RecursionError", "maximum recursion depth"),
    ("strange", (), "", "plain form"),
]


@every_protocol()
@pytest.mark.parametrize(("method", "args", "type_", "message"), FAILING)
def test_what_a_method_raises_reaches_the_caller_and_the_server_lives(client, method, args, type_, message):
    with pytest.raises(RemoteError) as caught:
        client.call(method, *args)
    assert type_ in caught.value.type
    assert message in caught.value.message
    assert caught.value.exit_code == 22
    assert client.add(2, 3) == 5


@every_protocol("traceback")
def test_the_remote_traceback_names_the_line(client):
    with pytest.raises(RemoteError) as caught:
        client.fail("boom")
    assert "raise ValueError(message)" in caught.value.traceback
    assert "dispatch" not in caught.value.traceback


@every_protocol()
@pytest.mark.parametrize("name", ["nope", "_hidden", "__class__", "add.__globals__", "os", "threading", "_memory", ""])
def test_what_is_not_in_the_table_cannot_be_called(client, name):
    with pytest.raises(MethodNotFoundError) as caught:
        client.call(name)
    assert caught.value.exit_code == 78
    assert repr(name) in caught.value.message


@every_protocol()
@pytest.mark.parametrize("args", [(), (1,), (1, 2, 3)])
def test_a_wrong_number_of_arguments_is_told_from_an_error_inside(client, args):
    with pytest.raises(InvalidArgumentsError) as caught:
        client.add(*args)
    assert "add" in caught.value.message
    assert caught.value.exit_code == 22


@every_protocol()
def test_a_type_error_inside_a_method_is_not_a_wrong_argument(client):
    with pytest.raises(RemoteError) as caught:
        client.add(1, "x")
    assert caught.value.type == "TypeError"


@every_protocol()
def test_an_argument_without_a_plain_form_is_refused_with_its_path(client):
    with pytest.raises(ArgumentError, match=r"argument (1|value): \$\[1\]"):
        client.echo([1, object()])

"""--decimal: every digit that was typed is on the wire, as a number, and every digit of the answer is printed."""

from decimal import Decimal

import pytest

import rpcctl as library
from rpcctl.errors import ArgumentError
from tests.shell import rpcctl

TO = "http://127.0.0.1:1/"
TYPED = [
    (["0.1000000000000000000001"], "[0.1000000000000000000001]"),
    (["0.00000001"], "[0.00000001]"),
    (["1.10", "7", "x"], '[1.10,7,"x"]'),
    (["1e3"], "[1000]"),
    (["-0.0"], "[-0.0]"),
    (["1e999"], "[1E+999]"),
    (['{"a": [0.30, null, true], "b": "0.1"}'], '[{"a":[0.30,null,true],"b":"0.1"}]'),
    (["a:=0.10"], '{"a":0.10}'),
    (["--params", "[0.10]"], "[0.10]"),
    (["-j", "0.10"], "[0.10]"),
]


@pytest.mark.parametrize(("words", "params"), TYPED, ids=[row[1][:20] for row in TYPED])
def test_numbers_are_sent_as_they_are_typed(words, params):
    done = rpcctl("call", TO, "send", *words, "--decimal", "--dry-run")
    assert f'"params":{params},' in done


def test_without_it_a_fraction_is_a_float():
    assert '"params":[0.1],' in rpcctl("call", TO, "send", "0.1000000000000000000001", "--dry-run")


@pytest.mark.parametrize("word", ["1e9999999999999999999999", f"0.{'1' * 5000}"])
def test_a_number_out_of_range_is_refused(word):
    done = rpcctl("call", TO, "send", word, "--decimal", "--dry-run")
    assert done.exit_status == 2
    assert "out of range" in done.stderr


def test_it_goes_there_and_back():
    class Bank:
        def half(self, amount: float) -> float:
            return amount / 2

    with library.Server(Bank(), "http://127.0.0.1:0/") as server:
        at = str(server.addresses[0])
        assert rpcctl("call", at, "half", "0.50", "--decimal") == '"0.25"\n'
        with library.connect(at, options={"decimal": True}) as client:
            assert client.half(Decimal("0.50")) == Decimal("0.25")
            with pytest.raises(ArgumentError):
                client.half(object())


def test_a_batch_keeps_them_too():
    with library.Server(_Echo(), "http://127.0.0.1:0/") as server:
        line = b'{"method": "echo", "params": [0.30000000000000001]}'
        done = rpcctl("batch", str(server.addresses[0]), "-", "--decimal", stdin=line)
        assert done.exit_status == 0, done.stderr


def test_a_script_that_would_lose_digits_is_not_written():
    assert "--as curl" in rpcctl("call", TO, "send", "0.1", "--decimal", "--as", "python").stderr
    assert "0.10000000000000000001" in rpcctl("call", TO, "send", "0.10000000000000000001", "--decimal", "--as", "curl")


class _Echo:
    def echo(self, value: object) -> object:
        return value

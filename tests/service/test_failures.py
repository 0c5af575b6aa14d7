"""Errors that carry a number of their own: raised or returned, in whichever of the field's spellings."""

import urllib.error
import xmlrpc.client

import pytest
from jsonrpclib.config import Config
from jsonrpclib.jsonrpc import Fault

from rpcctl.messages import Encoding, Failure, Request
from rpcctl.service.dispatch import Service
from rpcctl.service.failures import failure_of, fault_of
from rpcctl.service.methods import Method

JSON = Encoding("json", binary=False, nan=False, any_key=False)


class Numbered(Exception):
    """An error with a number, and more."""

    def __init__(self, code, message=None, data=None):
        super().__init__(message or "its text")
        self.code = code
        self.data = data
        if message:
            self.message = message


class Hostile(Exception):
    """An error whose attributes cannot be read."""

    @property
    def code(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Numbered(7, "words", {"k": (1,)}), Failure("remote", "Numbered", "words", data={"k": [1]}, code=7)),
        (Numbered(7), Failure("remote", "Numbered", "its text", code=7)),
        (Numbered(7, data=object()), Failure("remote", "Numbered", "its text", code=7)),
        (xmlrpc.client.Fault(4, "no"), Failure("remote", "Fault", "no", code=4)),
        (Numbered("E1"), Failure("remote", "Numbered", "its text")),
        (Numbered(True), Failure("remote", "Numbered", "its text")),
        (SystemExit(3), Failure("remote", "SystemExit", "3")),
        (Hostile("x"), Failure("remote", "Hostile", "x")),
        (ValueError("x"), Failure("remote", "ValueError", "x")),
    ],
    ids=str,
)
def test_raised(error, failure):
    found = failure_of(error, traceback=False)
    assert found == failure._replace(module=type(error).__module__, args=error.args)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("x", 1, None, 2.5, True), ("x", 1, None, 2.5, True)),
        ((float("nan"), "\udc80"), ("NaN", "\\udc80")),
        ((["a list"],), None),
        ((b"bytes",), None),
        (("x" * 10_001,), None),
        ((10**10_000,), None),
    ],
    ids=["scalars", "neither", "list", "bytes", "long", "large"],
)
def test_what_an_exception_was_made_with_is_told_if_it_is_short(given, told):
    assert failure_of(ValueError(*given), traceback=False).args == told


def test_an_http_error_keeps_its_status():
    error = urllib.error.HTTPError("http://h/", 404, "Not Found", None, None)  # type: ignore[arg-type]
    with error:
        assert failure_of(error).code == 404


def test_returned_as_functions_for_jsonrpclib_do():
    fault = Fault(1234, "custom", data={"k": 1}, config=Config(use_jsonclass=False))
    service = Service({"f": Method("f", lambda: fault)})
    assert list(service.dispatch(Request("f", encoding=JSON))) == [
        Failure("remote", "Fault", "custom", data={"k": 1}, code=1234)
    ]


@pytest.mark.parametrize("value", [object(), type, lambda: None, Exception("x")])
def test_what_means_no_error(value):
    assert fault_of(value) is None

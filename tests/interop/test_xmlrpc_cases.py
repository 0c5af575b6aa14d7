"""The table of XML-RPC cases through a real socket, byte by byte, HTTP's part of it included."""

import gzip
import http.client
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rpcctl.hosting import Server
from tests.codec.xmlrpc_cases import CASES, body_of, check, dispatcher

ANY_PORT = "xmlrpc+http://127.0.0.1:0/RPC2"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server of the cases' methods, registered with the standard library's dispatcher."""
    with Server(dispatcher(), ANY_PORT, max_message=8 * 1024 * 1024) as server:
        yield server.addresses[0].port


def request_of(case: dict[str, Any]) -> bytes:
    """The request as the case's `http` has it."""
    how, body = case.get("http", {}), body_of(case)
    headers = dict(how.get("headers", {"Content-Type": "text/xml"}))
    if how.get("gzip"):
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    if how.get("chunked"):
        headers["Transfer-Encoding"] = "chunked"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    elif not how.get("no_length") and not how.get("raw_length"):
        headers["Content-Length"] = str(len(body))
    lines = [f"{how.get('method', 'POST')} {how.get('path', '/RPC2')} HTTP/{how.get('version', '1.1')}"]
    lines += ["Host: localhost", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + (b"" if how.get("no_body") else body)


def read_answer(connection: socket.socket, method: str) -> tuple[int, bytes]:
    """Status and unpacked body of one answer."""
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    body = answer.read()
    return answer.status, gzip.decompress(body) if answer.getheader("Content-Encoding") == "gzip" else body


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_table_of_cases(case, port):
    how: dict[str, Any] = case.get("http", {})
    statuses = [*case.get("http_status", [200]), *case.get("also_status", ()), *case.get("http_also", ())]
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for _ in range(how.get("repeat", 1)):
            connection.sendall(request_of(case))
            status, body = read_answer(connection, how.get("method", "POST"))
            assert status in statuses, body
            if status == 200 and case["expect"] is not None:
                check(case, body)
    assert time.monotonic() - began < case.get("max_seconds", 10)

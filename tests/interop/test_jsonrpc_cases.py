"""All cases of the table through a real socket, byte by byte as the case says."""

import gzip
import socket
from collections.abc import Iterator
from typing import Any, BinaryIO

import pytest

from rpcctl.hosting import Server
from tests.codec.jsonrpc_cases import CASES, Case, body_of, is_right
from tests.codec.jsonrpc_methods import dispatcher


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server of the cases' methods."""
    with Server(dispatcher(), "jsonrpc+http://127.0.0.1:0/", tracebacks=False) as server:
        yield server.addresses[0].port


def spell(case: Case, body: bytes) -> bytes:
    """The request as the case's `http` has it."""
    how = case.get("http", {})
    headers = dict(how.get("headers", {"Content-Type": "application/json"}))
    method = how.get("method", "POST")
    length = [headers.pop("Content-Length")] if how.get("raw_length") or how.get("extra_length") else []
    if how.get("gzip"):
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    if how.get("chunked"):
        headers["Transfer-Encoding"] = "chunked"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    elif not how.get("no_length") and not how.get("raw_length"):
        length.append(str(len(body)))
    lines = [f"{method} {how.get('path', '/')} HTTP/{how.get('version', '1.1')}", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {each}" for each in length]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if how.get("no_body") else body)


def read_answer(file: BinaryIO, method: str) -> tuple[int, bytes]:
    """Status and body of the next answer on a connection."""
    status = int(file.readline().split()[1])
    length = 0
    while line := file.readline().strip():
        name, _, value = line.decode().partition(":")
        length = int(value) if name.lower() == "content-length" else length
    body = file.read(0 if method == "HEAD" else length)
    return read_answer(file, method) if status == 100 else (status, body)


def check(case: Case, status: int, body: bytes) -> None:
    """Whether status and body are among those that the case takes."""
    statuses = [*case.get("http_status", [200, 204]), *case.get("also_status", []), *case.get("http_also", [])]
    assert status in statuses, body
    if status < 300 and not case.get("body_any") and case.get("http", {}).get("method", "POST") == "POST":
        assert is_right(case, body), body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: Case, port: int):
    how: dict[str, Any] = case.get("http", {})
    bodies = [text.encode() for text in how.get("sequence", ())] or [body_of(case)] * how.get("repeat", 1)
    pipelined = how.get("pipeline", 0)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, connection.makefile("rb") as file:
        if pipelined:
            connection.sendall(spell(case, bodies[0]) * pipelined)
        for number, body in enumerate(bodies * (pipelined or 1)):
            if not pipelined:
                connection.sendall(spell(case, body))
            status, found = read_answer(file, how.get("method", "POST"))
            if "sequence" in how and number == 0:
                assert (status, found) == (204, b"")
            else:
                check(case, status, found)

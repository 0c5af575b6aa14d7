"""A host whose thread runs calls: the rest goes on when one of them takes long."""

import queue
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from rpcctl.messages import Request, Result
from rpcctl.service.executor import DEFAULT_LIMITS, Threads
from rpcctl.sockets.host import Host
from rpcctl.sockets.link import Link
from rpcctl.sockets.session import BUSY, IDLE, Policy
from tests.service.executors import PATIENCE, Gate
from tests.sockets.conftest import parse


class Lines:
    """A session and its Sink: each byte is a call of the function of that letter, answered with a byte."""

    def __init__(self, link: Link, executor: Threads, functions: dict[str, Callable[[], str]]) -> None:
        self._link, self._executor, self._functions = link, executor, functions
        self._open = 0

    def receive(self, data: bytes) -> None:
        """Begin as many calls as there are bytes."""
        for letter in data.decode():
            self._open += 1
            self._executor.submit(self._run, Request(letter), self)

    def _run(self, request: Request) -> Iterator[Result]:
        yield Result(self._functions[request.method]())

    def deliver(self, reply: object) -> None:
        """Answer."""
        assert isinstance(reply, Result)
        self._open -= 1
        self._link.write(reply.value.encode(), at_once=not self._open)

    def state(self) -> str:
        """Busy while a call runs."""
        return BUSY if self._open else IDLE

    def paused(self) -> None:
        """Cannot be."""

    def ended(self) -> None:
        """Nothing is left to do."""

    def end(self) -> None:
        """Nothing is left to do."""


class Lending:
    """A host with an executor whose guest it is."""

    def __init__(self, **functions: Callable[[], str]) -> None:
        self.log: queue.Queue[str] = queue.Queue()
        self.executor = Threads(4, DEFAULT_LIMITS)
        self._functions = functions
        self.host = Host(parse("tcp://127.0.0.1:0"), Policy(), self._begin, note=self.log.put)
        self.host.bind()
        self.thread = threading.Thread(target=lambda: self.host.serve(self.executor.welcome()), daemon=True)
        self.thread.start()
        self._clients: list[socket.socket] = []

    def _begin(self, link: Link) -> Lines:
        return Lines(link, self.executor, self._functions)

    def connect(self) -> socket.socket:
        """A client."""
        self._clients.append(socket.create_connection((self.host.address.host, self.host.address.port), PATIENCE))
        return self._clients[-1]

    def close(self) -> None:
        """Stop, and see that it has stopped."""
        for client in self._clients:
            client.close()
        self.host.close()
        self.executor.close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def lend() -> Iterator[Callable[..., Lending]]:
    """A function that serves functions by a letter each."""
    made: list[Lending] = []

    def start(**functions: Callable[[], str]) -> Lending:
        made.append(Lending(**functions))
        return made[-1]

    yield start
    for each in made:
        each.close()


def ask(client: socket.socket, letters: bytes, answers: int) -> list[str]:
    """So many bytes of answers, sorted."""
    client.sendall(letters)
    found = b""
    while len(found) < answers:
        data = client.recv(4096)
        assert data, "it hung up"
        found += data
    return sorted(found.decode())


def test_a_call_is_run_where_it_was_read(lend):
    threads: set[str] = set()

    def note() -> str:
        threads.add(threading.current_thread().name)
        return "n"

    client = lend(n=note).connect()
    for _ in range(20):
        assert ask(client, b"n", 1) == ["n"]
    assert "rpcctl-host" in threads


def test_many_calls_at_once_are_all_answered(lend):
    client = lend(a=lambda: "a").connect()
    for _ in range(20):
        assert ask(client, b"a" * 300, 300) == ["a"] * 300


def test_a_call_that_does_not_end_holds_up_nobody(lend):
    gate = Gate()
    serving = lend(g=lambda: gate() and "g", a=lambda: "a")
    stuck, other = serving.connect(), serving.connect()
    for _ in range(3):
        stuck.sendall(b"g")
        gate.wait_until_entered()
        assert ask(other, b"aaa", 3) == ["a"] * 3
        assert ask(serving.connect(), b"a", 1) == ["a"]
    gate.opened.set()
    assert ask(stuck, b"", 3) == ["g"] * 3


def test_what_came_with_a_call_that_does_not_end_is_answered(lend):
    gate = Gate()
    client = lend(g=lambda: gate() and "g", a=lambda: "a").connect()
    assert ask(client, b"gaaa", 3) == ["a"] * 3
    gate.opened.set()
    assert ask(client, b"", 1) == ["g"]


def test_a_host_can_be_closed_while_a_call_does_not_end(lend):
    gate = Gate()
    serving = lend(g=lambda: gate() and "g")
    serving.connect().sendall(b"g")
    gate.wait_until_entered()
    serving.host.close()
    serving.thread.join(PATIENCE)
    assert not serving.thread.is_alive()
    gate.opened.set()


def test_a_call_may_close_the_host_that_runs_it(lend):
    serving = None
    closed = threading.Event()

    def close() -> str:
        assert serving is not None
        serving.host.close()
        closed.set()
        return "c"

    serving = lend(c=close)
    serving.connect().sendall(b"c")
    serving.thread.join(PATIENCE)
    assert not serving.thread.is_alive()
    assert closed.wait(PATIENCE)


def test_clients_at_once_lose_and_mix_no_answers(lend):
    serving = lend(a=lambda: "a", b=lambda: "b")
    wrong: list[object] = []

    def work(letter: str) -> None:
        client = serving.connect()
        for _ in range(200):
            found = ask(client, letter.encode() * 3, 3)
            if found != [letter] * 3:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(letter,)) for letter in "abab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong

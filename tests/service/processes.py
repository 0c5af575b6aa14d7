"""Worker processes with a target that tells what happens to it, as the caller of their handler sees them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rpcctl.messages import Request, Result
from rpcctl.service.exposure import Selection
from rpcctl.service.processes import Processes, prepare
from tests.service.executors import PATIENCE, await_until

TARGET = (Path(__file__).parent / "process_target.py").read_text()


class Served:
    """So many processes with a target, and the file that they load it from."""

    def __init__(self, folder: Path, count: int, executor: str = "threads", max_wait: float = PATIENCE) -> None:
        self.folder = folder
        self.file = folder / "served.py"
        self.write(TARGET)
        setup = prepare(count, [str(self.file)], {}, Selection(), {}, executor)
        self.processes = Processes(count, setup, local=self.answer, max_wait=max_wait)

    def write(self, text: str) -> None:
        """Let the target be another one, from the next process on."""
        self.file.write_text(text)

    def answer(self, request: Request) -> Iterator[Any]:
        """What the parent says by itself."""
        yield Result(f"the parent on {request.method}")

    def replies(self, method: str, *args: Any, **request: Any) -> Any:
        return self.processes.dispatch(Request(method, args, **request))

    def all(self, method: str, *args: Any, **request: Any) -> list[Any]:
        return list(self.replies(method, *args, **request))

    def value(self, method: str, *args: Any, **kwargs: Any) -> Any:
        [reply] = self.all(method, *args, kwargs=kwargs)
        assert isinstance(reply, Result), reply
        return reply.value

    def wait_for(self, name: str) -> None:
        """Until the target has made a file of that name."""
        await_until((self.folder / name).exists)

    def read_pid(self, name: str) -> int:
        """The number that the target writes into that file."""
        await_until(lambda: (self.folder / name).exists() and "\n" in (self.folder / name).read_text())
        return int((self.folder / name).read_text())


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

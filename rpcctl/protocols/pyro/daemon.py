"""The object that every server of Pyro has, `Pyro.Daemon`: it tells of the others, and hands out streams' items."""

from collections.abc import Callable, Mapping
from typing import Any

from rpcctl.messages import Failure

from . import faults
from .answers import Answer, Said
from .encodings import Call
from .objects import Objects
from .streams import Streams

_ERRORS = "Pyro5.errors."


def ask_daemon(objects: Objects, streams: Streams, answer: Answer, call: Call) -> None:
    """Answer a call of one of its methods, at once or when there is a next item."""
    ask = _METHODS.get(call.method)
    if ask is None:
        answer.give(Failure("no_method", "AttributeError", call.method))
        return
    count, act = ask
    if len(call.args) != count or call.kwargs or not all(isinstance(each, str) for each in call.args):
        answer.give(Failure("arguments", "TypeError", f"{call.method}() takes {count} arguments, as text"))
        return
    act(objects, streams, answer, *call.args)


def _tell_names(objects: Objects, streams: Streams, answer: Answer) -> None:
    answer.give_own(objects.names())


def _tell_nothing(objects: Objects, streams: Streams, answer: Answer) -> None:
    answer.give_own(None)


def _tell_info(objects: Objects, streams: Streams, answer: Answer) -> None:
    answer.give_own(f"rpcctl serves {objects.describe().name or objects.name}")


def _tell_metadata(objects: Objects, streams: Streams, answer: Answer, name: str) -> None:
    found = objects.metadata(name)
    if found is None:
        answer.raise_(faults.exception(f"{_ERRORS}DaemonError", "unknown object"))
    else:
        answer.give_own(found)


def _tell_next_item(objects: Objects, streams: Streams, answer: Answer, stream_id: str) -> None:
    stream = streams.find(stream_id)
    if stream is None:
        answer.raise_(faults.exception(f"{_ERRORS}PyroError", "item stream terminated"))
        return

    def give(said: Said, last: bool) -> None:
        if last:
            streams.close(stream_id)
        answer.send(said)

    if not stream.ask(give):
        answer.raise_(faults.exception(f"{_ERRORS}PyroError", "its next item is being waited for already"))


def _close_stream(objects: Objects, streams: Streams, answer: Answer, stream_id: str) -> None:
    streams.close(stream_id)
    answer.give_own(None)


_METHODS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "registered": (0, _tell_names),
    "ping": (0, _tell_nothing),
    "info": (0, _tell_info),
    "get_metadata": (1, _tell_metadata),
    "get_next_stream_item": (1, _tell_next_item),
    "close_stream": (1, _close_stream),
}
"""The methods: how many arguments, and what answers them."""

"""JSON-RPC messages: bytes to calls, replies to bytes, and the same from a client's end. Pure.

    2.0  {"jsonrpc": "2.0", "method": m, "params": [..] or {..}, "id": i}   no id: a notification   [..]: a batch
         {"jsonrpc": "2.0", "result": r, "id": i}        {"jsonrpc": "2.0", "error": {code, message, data}, "id": i}
    1.0  {"method": m, "params": [..], "id": i}          id null: a notification
         {"result": r, "error": null, "id": i}           {"result": null, "error": e, "id": i}

By the specifications of 2005 (1.0) and 2010 (2.0). What they leave open: null as params is taken for none, members that
are not defined are let pass, and a message without `jsonrpc` is answered as 1.0 is, if it has an id.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rpcctl.errors import RemoteProtocolError
from rpcctl.messages import Failure, Reply, Request, Result

from . import json_text
from .faults import INVALID_REQUEST, PARSE_ERROR, from_error, to_error

BOTH = ("1.0", "2.0")
POSITIONAL = "__args"
"""Member of named params that holds arguments by position, where a call has both; pyjsonrpc 0.10's invention."""
_MEMBERS = frozenset({"jsonrpc", "version", "method", "params", "id"})
_NOTHING: Mapping[str, Any] = {}
_SHOWN = 200


class AnswerError(RemoteProtocolError):
    """A server's answer is no reply to the call; whoever knows the server adds its address and the answer."""


class Rules(NamedTuple):
    """What a server takes."""

    versions: Sequence[str] = BOTH
    max_batch: int = 1000
    """Calls in one batch."""
    max_depth: int = json_text.DEPTH


RULES = Rules()


class Call(NamedTuple):
    """A call that was received."""

    method: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    id: Any = None
    version: str = "2.0"
    notification: bool = False
    more: Mapping[str, Any] = {}
    """Members beyond those of the specification."""


class Refusal(NamedTuple):
    """What was received is no call."""

    code: int
    message: str
    id: Any = None
    version: str = "2.0"


Received = Call | Refusal | list[Call | Refusal]


def read_body(body: bytes, rules: Rules = RULES) -> Received:
    """What a client sent: one call, a batch as a list, or why it is neither. Raises nothing."""
    try:
        found = json_text.read(body, depth=rules.max_depth)
    except json_text.JSONError as exc:
        return Refusal(PARSE_ERROR, f"Parse error: {exc}")
    if type(found) is not list:
        return _read_call(found, rules)
    if not found:
        return _refuse("an empty batch")
    if len(found) > rules.max_batch:
        return _refuse(f"a batch of {len(found)} calls, {rules.max_batch} are allowed (--max-batch)")
    return [_read_call(each, rules) for each in found]


def write_reply(reply: Reply, call: Call) -> bytes:
    """The answer to a call: a Result's, else that of a Failure."""
    if type(reply) is Result:
        return json_text.write(_envelope("result", reply.value, call.id, call.version))
    assert isinstance(reply, Failure)
    return json_text.write(_envelope("error", to_error(reply), call.id, call.version))


def write_refusal(refusal: Refusal) -> bytes:
    """The answer to what is no call."""
    error = {"code": refusal.code, "message": refusal.message}
    return json_text.write(_envelope("error", error, refusal.id, refusal.version))


def write_batch(answers: Iterable[bytes]) -> bytes:
    """Many answers as one; empty when there are none."""
    joined = b",".join(answers)
    return b"[" + joined + b"]" if joined else b""


def write_call(request: Request, id: Any, version: str = "2.0", more: Mapping[str, Any] = _NOTHING) -> bytes:
    """A request as bytes, a one-way one as a notification; `more` are members beside those of the specification."""
    message: dict[str, Any] = {"jsonrpc": "2.0"} if version == "2.0" else {}
    message |= {"method": request.method, "params": _params(request), **more}
    if not request.oneway:
        message["id"] = id
    elif version == "1.0":
        message["id"] = None
    return json_text.write(message)


def read_answer(body: bytes, id: Any, method: str, *, decimal: bool = False) -> Result | Failure:
    """The reply to the call of that id in what a server answered; AnswerError when there is none."""
    for answer in read_answers(body, decimal=decimal):
        if "method" not in answer or "result" in answer or "error" in answer:
            _check_id(answer.get("id"), id)
            return _read_reply(answer, method)
    raise AnswerError(f"{method}: the server answered with notifications only")


def read_batch(
    body: bytes, methods: Mapping[Any, str], *, decimal: bool = False
) -> Mapping[Any, Result | Failure] | Failure:
    """By id, the replies to a batch of calls, given as id to method; a Failure when all are refused in one object."""
    answers = read_answers(body, decimal=decimal)
    replies: dict[Any, Result | Failure] = {}
    for answer in answers:
        known = next((each for each in methods if _is_same(answer.get("id"), each)), None)
        if known is not None:
            replies[known] = _read_reply(answer, methods[known])
        elif len(answers) == 1 and answer.get("error") is not None:
            return from_error(answer["error"], next(iter(methods.values()), ""))
        elif answer.get("id") is not None:
            raise _mismatch(answer["id"], list(methods))
    return replies


def read_answers(body: bytes, *, decimal: bool = False) -> list[dict[str, Any]]:
    """The objects that a server answered with, one or a batch; AnswerError when it is something else."""
    try:
        found = json_text.read(body, depth=10_000, decimal=decimal)
    except json_text.JSONError as exc:
        raise AnswerError(f"the answer is not JSON: {exc}") from exc
    answers = found if isinstance(found, list) else [found]
    if not answers or not all(isinstance(each, dict) for each in answers):
        raise AnswerError("the answer is no JSON-RPC reply")
    return answers


def _read_call(found: Any, rules: Rules) -> Call | Refusal:
    if type(found) is not dict:
        return _refuse("a message is an object")
    version = _read_version(found)
    key = found.get("id")
    if version == "2.0" and not (key is None or type(key) in (str, int, float)):
        return _refuse("an id is text, a number or null")
    if version not in rules.versions:
        return _refuse(f'"jsonrpc" is not one of: {", ".join(rules.versions)}', key)
    method = found.get("method")
    if type(method) is not str:
        return _refuse('"method" is not text', key, version)
    arguments = _read_params(found.get("params"))
    if arguments is None:
        return _refuse('"params" is neither an array nor an object', key, version)
    more = {name: found[name] for name in found if name not in _MEMBERS} if len(found) > 4 else _NOTHING
    notification = key is None if version == "1.0" else "id" not in found
    return Call(method, *arguments, key, version, notification, more)


def _read_version(found: dict[str, Any]) -> str:
    marker = found.get("jsonrpc", "")
    if marker == "" and "jsonrpc" not in found:
        # Without an id it is a 2.0 message of which a part is missing: 1.0 has no message without.
        return "1.0" if "id" in found and "method" in found else ""
    return "2.0" if marker == "2.0" else ""


def _read_params(params: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]] | None:
    if type(params) is list:
        return tuple(params), _NOTHING
    if params is None:
        return (), _NOTHING
    if type(params) is not dict:
        return None
    args = params.get(POSITIONAL)
    if type(args) is not list:
        return (), params
    return tuple(args), {name: params[name] for name in params if name != POSITIONAL}


def _refuse(why: str, id: Any = None, version: str = "2.0") -> Refusal:
    known = id if type(id) in (str, int, float) else None
    return Refusal(INVALID_REQUEST, f"Invalid Request: {why}", known, version)


def _envelope(member: str, value: Any, id: Any, version: str) -> dict[str, Any]:
    if version == "2.0":
        return {"jsonrpc": "2.0", member: value, "id": id}
    return {"result": None, "error": None, member: value, "id": id}


def _params(request: Request) -> Any:
    if not request.kwargs:
        return list(request.args)
    return {POSITIONAL: list(request.args), **request.kwargs} if request.args else dict(request.kwargs)


def _read_reply(answer: dict[str, Any], method: str) -> Result | Failure:
    if answer.get("error") is not None:
        return from_error(answer["error"], method)
    if "result" in answer:
        return Result(answer["result"])
    raise AnswerError("the answer has neither result nor error")


def _check_id(found: Any, sent: Any) -> None:
    """Null is let pass: over HTTP the connection tells whose answer it is, and Odoo among others forgets ids."""
    if found is not None and not _is_same(found, sent):
        raise _mismatch(found, [sent])


def _is_same(found: Any, sent: Any) -> bool:
    """Loosely: there are servers that make text of a number, or a float."""
    return type(found) is not bool and (found == sent or str(found) == str(sent))


def _mismatch(found: Any, sent: Sequence[Any]) -> AnswerError:
    wanted = ", ".join(repr(each) for each in sent[:3])
    return AnswerError(
        f"the answer has the id {_show(repr(found).encode())}, the call had {wanted}",
        hint="is there a proxy that mixes up answers?",
    )


def _show(body: bytes) -> str:
    text = body[:_SHOWN].decode("utf-8", "replace")
    return text if len(body) <= _SHOWN else f"{text}…"

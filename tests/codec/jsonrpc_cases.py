"""The cases of jsonrpc-cases.json: what is sent, and whether an answer is among those that are right."""

import json
from pathlib import Path
from typing import Any

Case = dict[str, Any]
CASES: list[Case] = json.loads(Path(__file__).with_name("jsonrpc-cases.json").read_text(encoding="utf-8"))


def body_of(case: Case) -> bytes:
    """The bytes that a case sends."""
    if "request_hex" in case:
        return bytes.fromhex(case["request_hex"])
    if "request_gen" not in case:
        return str(case["request"]).encode()
    made = case["request_gen"]
    item, count = made["item"], made["count"]
    items = [item.replace("%d", str(n)) for n in range(count)]
    closing = made["close"] + made.get("close_item", "") * count + made.get("tail", "")
    return f"{made['open']}{made['sep'].join(items)}{closing}".encode()


def is_right(case: Case, answer: bytes) -> bool:
    """Whether the answer is one of those that the case takes."""
    if case.get("must_not_contain", "\0") in answer.decode():
        return False
    found = json.loads(answer, parse_constant=_no_constant) if answer else None
    wanted = [case["expect"], *case.get("also_ok", ())]
    return any(_fits(found, each, case.get("code_any")) for each in wanted)


def _fits(found: Any, wanted: Any, codes: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(found, list) and _same_in_any_order(found, wanted, codes)
    if not isinstance(wanted, dict):
        return found is None and wanted is None
    if not isinstance(found, dict) or set(found) != set(wanted):
        return False
    if (type(found["id"]) is str) != (type(wanted["id"]) is str) or found["id"] != wanted["id"]:
        return False
    error = wanted.get("error")
    if error is None:
        return found.get("error") is None and _same(found["result"], wanted["result"])
    given = found["error"]
    if not isinstance(given, dict):
        return False
    right_code = given["code"] in (codes or [error["code"]])
    members = all(given.get(name) == error[name] for name in ("message", "data") if name in error)
    return right_code and members and isinstance(given["message"], str)


def _same_in_any_order(found: list[Any], wanted: list[Any], codes: Any) -> bool:
    left = list(found)
    for each in wanted:
        match = next((index for index, one in enumerate(left) if _fits(one, each, codes)), None)
        if match is None:
            return False
        del left[match]
    return not left


def _same(found: Any, wanted: Any) -> bool:
    """1 and true are equal in Python, and not in JSON."""
    return found == wanted and (type(found) is bool) == (type(wanted) is bool)


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")

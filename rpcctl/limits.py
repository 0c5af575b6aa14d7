"""Which of a request's time limits ends the wait for its next reply, and what is said when it does."""

from typing import NamedTuple

from rpcctl.errors import DeadlineError
from rpcctl.messages import Deadline, Request

_MISSING = {"--timeout": "no reply", "--item-timeout": "no further item", "--max-time": "not over"}


class Limit(NamedTuple):
    """An instant, and the option that sets it."""

    deadline: Deadline
    option: str

    def error(self, request: Request) -> DeadlineError:
        """What is raised when the instant has passed."""
        message = f"{request.method}: {_MISSING[self.option]} within the time limit ({self.option})"
        return DeadlineError(message, hint=f"a longer {self.option}, or {self.option} off")


def first_limit(request: Request) -> Limit:
    """For the first reply."""
    return _sooner(Limit(request.deadline, "--timeout"), request)


def next_limit(request: Request) -> Limit:
    """For the item after the one that has just arrived."""
    return _sooner(Limit(Deadline.after(request.item_timeout), "--item-timeout"), request)


def _sooner(limit: Limit, request: Request) -> Limit:
    whole = request.limit
    if whole.at is not None and limit.deadline.sooner(whole) == whole:
        return Limit(whole, "--max-time")
    return limit

"""Short ways to a method table, for tests of what is in it."""

from typing import Any

from rpcctl.service.methods import Method, Selection, expose
from rpcctl.service.target import Target, load


def names(*texts: str, **selection: Any) -> list[str]:
    """What a server of these targets would list."""
    return list(expose([load(text) for text in texts], Selection(**selection)))


def serve(found: Any, **selection: Any) -> dict[str, Method]:
    """The table of an object that stands in no module, called `it`."""
    return expose([Target("it", "it", found, "", "it")], Selection(**selection))


def call(method: Method, *args: Any, **kwargs: Any) -> Any:
    """The call as a server makes it."""
    bound, named = method.bind(args, kwargs)
    return method.function(*bound, **named)

"""How eagerly the garbage collector looks: a command is over before there is garbage worth collecting.

With Python's own thresholds it goes through every module that is being loaded, again and again: a tenth of a cold call.
"""

import gc

_OWN = gc.get_threshold()
_RELAXED = 50_000
"""Objects made before it looks for the first time."""


def relax() -> None:
    """For a command that calls and leaves."""
    gc.set_threshold(_RELAXED)


def restore() -> None:
    """For one that stays."""
    gc.set_threshold(*_OWN)

"""`rpcctl bench`: how fast a server answers, how many calls it takes, and whether that is good enough."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from rpcctl.cli.call import ADDRESS, METHOD, WORD_RULES, WORDS, make_request
from rpcctl.cli.command import Command, Values
from rpcctl.cli.options import ARGUMENTS, CONNECT, ITEM_TIMEOUT, RESULTS
from rpcctl.cli.session import Session, read_address, typed_options
from rpcctl.errors import ThresholdError, UsageError
from rpcctl.interfaces import Option

if TYPE_CHECKING:
    from rpcctl.address import Address
    from rpcctl.bench.crew import Crew, Measured
    from rpcctl.bench.figures import Figures
    from rpcctl.bench.plan import Load, Subject
    from rpcctl.bench.threshold import Threshold
    from rpcctl.cli.saved import Saved

CONNECTIONS = Option(
    "connections", "connections, each with one call under way", "N", "integer", 16, short="-c", panel="Load"
)
CALLS = Option("calls", "end after so many calls", "N", "integer", short="-n", panel="Load")
DURATION = Option("duration", "end after this time; 10 s without -n", "SECONDS", "seconds", short="-z", panel="Load")
RPS = Option(
    "rps",
    "calls begun a second, whatever the server does; latency counts from when a call was due",
    "N",
    "number",
    panel="Load",
)
WARMUP = Option("warmup", "make the same load before, for so long, uncounted", "SECONDS", "seconds", 0.0, panel="Load")
PROCESSES = Option(
    "processes", "processes that make the calls; one for each processor by default", "N", "integer", panel="Load"
)
FAIL_IF = Option(
    "fail-if", "exit with 99 when it holds, as 'p99>20ms' or 'errors>1%'", "RULE", multiple=True, panel="Verdict"
)
VERSUS = Option("vs", "measure this server in turns with the first one", "ADDRESS|@NAME", panel="Verdict")

TURNS = 6
"""Parts into which a load is cut when two servers take turns."""
DEFAULT_SECONDS = 10.0
_MOST_CONNECTIONS = 10_000

COMMAND = Command(
    "bench",
    "Measure how fast a server answers",
    "Finding out",
    "rpcctl.cli.bench:run",
    (ADDRESS, METHOD, WORDS),
    (
        *(CONNECTIONS, CALLS, DURATION, RPS, WARMUP, PROCESSES),
        *(FAIL_IF, VERSUS),
        *ARGUMENTS,
        *CONNECT,
        ITEM_TIMEOUT,
        *RESULTS,
    ),
    roles=("client",),
    details=(
        "Latency is a caller's: until the last item of a stream, failed calls and those out of time included. Ctrl-C "
        "prints what was measured so far. --fail-if knows p50, p99.9 and any other percentile, mean, deviation, min, "
        "max, errors, missed, calls, throughput, and ratio with --vs. " + WORD_RULES
    ),
    examples=(
        "rpcctl bench :4242 add 2 3 -z 5s",
        "rpcctl bench :4242 add 2 3 -n 100000 -c 32 --fail-if 'p99>20ms' --fail-if 'errors>0'",
        "rpcctl bench :4242 add 2 3 --rps 500 --warmup 1s --vs http://127.0.0.1:8080/",
    ),
)


class Task(NamedTuple):
    """One server to measure."""

    subject: "Subject"
    crew: "Crew"
    measured: "Measured"


def run(values: Values, session: Session) -> None:
    """Measure and report; ThresholdError for a broken rule, the calls' own error when not one of them succeeded."""
    from rpcctl.bench.threshold import read

    load = read_load(values)
    rules = [read(text, versus=values.vs is not None) for text in values.fail_if or ()]
    with session.output.writing(values.output):
        with ExitStack() as stack:
            tasks = [stack.enter_context(start(subject, values)) for subject in make_subjects(values, session)]
            whole = measure(load, values, tasks, session)
        found = report(values, tasks, session, whole=whole)
        session.output.flush()
    if not whole:
        raise KeyboardInterrupt
    judge(rules, found, tasks)


def read_load(values: Values) -> "Load":
    """What is to be done, by all processes together; UsageError for what makes no sense."""
    from rpcctl.bench.crew import MOST
    from rpcctl.bench.plan import Load

    _check("connections", values.connections, _MOST_CONNECTIONS)
    _check("calls", values.calls, None)
    _check("processes", values.processes, MOST)
    for name in ("rps", "duration"):
        given = getattr(values, name)
        if given is not None and not 0 < given < float("inf"):
            raise UsageError(f"--{name} {given:g} measures nothing", hint=f"--{name} 10")
    seconds = values.duration or (DEFAULT_SECONDS if values.calls is None else None)
    return Load(values.calls, seconds, values.rps)


def count_processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def start(subject: "Subject", values: Values) -> "Iterator[Task]":
    """The processes that measure one server, connected to it inside the block."""
    from rpcctl.bench.crew import Crew

    with Crew(subject, values.connections, values.processes or count_processors()) as crew:
        yield Task(subject, crew, crew.measure())


def make_subjects(values: Values, session: Session) -> "Iterator[Subject]":
    """The server at ADDRESS and the one of --vs; each takes those of the typed options that its protocol has."""
    from rpcctl import registry
    from rpcctl.settings import check_given

    places = [(address_of(values), values.saved)]
    if values.vs is not None:
        places.append(find_versus(values, session))
    typed = typed_options(values)
    check_given([registry.find(at.protocol) for at, _ in places], "client", typed)
    for at, saved in places:
        known = {option.name for option in registry.find(at.protocol).options if "client" in option.roles}
        own = {name: each for name, each in typed.items() if name in known and each is not None}
        yield make_subject(values, session, at, {**saved.read_own(), **own} if saved else own)


def address_of(values: Values) -> "Address":
    """Of the first server."""
    from rpcctl import registry

    at = read_address(values)
    return registry.parse_address(at, values.proto) if isinstance(at, str) else at


def find_versus(values: Values, session: Session) -> "tuple[Address, Saved | None]":
    """The address of --vs, which says all itself, and the profile that it names, if it does."""
    from rpcctl import registry

    if not values.vs.startswith("@"):
        return registry.parse_address(values.vs), None
    from rpcctl.cli.saved import Saved

    saved = Saved(values.vs[1:], session.environment.environ)
    return saved.address(), saved


def make_subject(values: Values, session: Session, at: "Address", options: dict[str, object]) -> "Subject":
    """One server and the call, which its wire must be able to carry."""
    from rpcctl.bench.plan import Subject

    with session.open(values, at, options) as connection:
        request = make_request(values, session, connection)
        connecting = {
            "timeout": values.timeout,
            "connect_timeout": values.connect_timeout,
            "item_timeout": values.item_timeout,
            "max_time": values.max_time,
            "max_message": values.max_message,
            "options": options,
        }
        retrying = {"retry": values.retry, "retry_delay": values.retry_delay}
        return Subject(at, request.method, request.args, request.kwargs, connecting, retrying)


def measure(load: "Load", values: Values, tasks: list[Task], session: Session) -> bool:
    """Warm up and have the load made, in turns by two servers, with progress on a terminal; False after Ctrl-C."""
    try:
        if values.warmup:
            session.output.status("warming up")
            for task in tasks:
                task.crew.run(load._replace(calls=None, seconds=values.warmup), task.crew.measure())
        _take_turns(load, tasks, session)
    except KeyboardInterrupt:
        return False
    finally:
        session.output.status()
    return True


def _take_turns(load: "Load", tasks: list[Task], session: Session) -> None:
    from rpcctl.cli.bench_report import Progress

    for number, turn in enumerate(load.split(TURNS) if len(tasks) > 1 else [load]):
        # A B, B A, …: what changes on the machine in the meantime falls to both.
        for task in tasks if number % 2 == 0 else tasks[::-1]:
            task.crew.run(turn, task.measured, Progress(load, task.measured, session.output).show)


def report(values: Values, tasks: list[Task], session: Session, *, whole: bool) -> "list[Figures]":
    """Print what was measured of each server, and say when it was the calling side that was measured."""
    from rpcctl import registry
    from rpcctl.bench.figures import read
    from rpcctl.cli.bench_report import print_figures, warn_of_limit

    told = [task for task in tasks if whole or task.measured.tally.calls]
    found = [read(task.subject, values.connections, values.rps, task.measured, whole=whole) for task in told]
    print_figures(found, [task.measured.tally.errors for task in told], values, session.output)
    for task, figures in zip(told, found, strict=True):
        if not registry.find(task.subject.address.protocol).in_process:
            warn_of_limit(figures, session.output)
    return found


def judge(rules: "list[Threshold]", found: "list[Figures]", tasks: list[Task]) -> None:
    """Hold the first server against the rules."""
    from rpcctl.bench.figures import ratios

    ratio = ratios(found[0], found[1]).get("throughput") if len(found) > 1 else None
    first = tasks[0].measured
    broken = [rule.text for rule in rules if rule.is_broken(found[0], first, ratio)]
    if broken:
        raise ThresholdError(f"measured what must not be: {', '.join(broken)}", hint="the numbers are in the report")
    for task in tasks:
        worst = task.measured.tally.worst()
        if worst is not None and task.measured.tally.failed == task.measured.tally.calls:
            raise worst


def _check(name: str, given: int | None, most: int | None) -> None:
    if given is not None and (given < 1 or (most is not None and given > most)):
        limits = f"1 to {most:,}" if most else "1 or more"
        raise UsageError(f"--{name} {given}: {limits}", hint=f"--{name} 16" if most else f"--{name} 1000")

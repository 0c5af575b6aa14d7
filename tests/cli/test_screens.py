"""What commands look like on a real terminal: wide and narrow, without colours, and on a dumb one."""

from contextlib import ExitStack

import pytest

import rpcctl
from rpcctl.errors import CallError
from tests.cli.tmux import running
from tests.shell import rpcctl as run

every_terminal = pytest.mark.parametrize(
    ("columns", "env", "colored", "live"),
    [
        pytest.param(80, {}, True, True, id="80-colours"),
        pytest.param(40, {}, True, True, id="40-colours"),
        pytest.param(40, {"NO_COLOR": "1"}, False, True, id="40-NO_COLOR"),
        pytest.param(80, {"TERM": "dumb"}, False, False, id="80-dumb"),
    ],
)


@pytest.fixture
def show(tmp_path):
    """A function that runs a command on a screen of so many columns."""
    with ExitStack() as stack:
        yield lambda command, columns, env=None, rows=40: stack.enter_context(
            running(tmp_path, *command.split(), columns=columns, rows=rows, **(env or {}))
        )


@every_terminal
def test_a_server(show, free_port, columns, env, colored, live):
    address = f"tcp://127.0.0.1:{free_port}"
    screen = show(f"serve tests.sample --bind {address}", columns, env)
    screen.wait_until(lambda lines: any(line.startswith("╰") for line in lines))
    with rpcctl.connect(address) as client:
        for _ in range(3):
            client.add(2, 3)
        with pytest.raises(CallError):
            client.fail()
    lines = screen.wait_until(
        lambda lines: sum(" ms " in line for line in lines) >= 4 and settled(lines, live, columns)
    )
    assert lines[0] == address
    assert lines[1].startswith("╭─ serving tests.sample")
    assert address in lines[2]
    assert all(len(line) <= columns for line in lines)
    calls = [line for line in lines if line[2:3] == ":"]
    assert [line.split()[1] for line in calls] == ["ok", "ok", "ok", "remote"]
    assert len({line.index(" ms ") for line in calls}) == 1
    assert bool(screen.colors()) is colored
    screen.type("C-c")
    lines, code = screen.wait_for_end()
    assert code == 0
    assert not any("failed  p99" in line for line in lines)


def settled(lines, live, columns):
    """Whether the status tells of all calls, as far as it fits."""
    told = "4 calls  1 failed  p99 " in lines[-1]
    return told and ("0 in flight  p50 " in lines[-1]) is (columns == 80) if live else not told


def test_the_status_follows_the_size_of_the_terminal(show, free_port):
    screen = show(f"serve tests.sample --bind :{free_port}", 80)
    screen.wait_for("0 calls  0 failed  0 in flight")
    screen.resize(24)
    with rpcctl.connect(f"tcp://127.0.0.1:{free_port}") as client:
        client.add(2, 3)
    assert screen.wait_until(lambda lines: lines[-1] == "1 call  0 failed")


def test_a_quiet_server_shows_its_address_alone(show, free_port):
    screen = show(f"serve tests.sample --quiet --bind tcp://127.0.0.1:{free_port}", 80)
    screen.wait_for(f"tcp://127.0.0.1:{free_port}")
    with rpcctl.connect(f"tcp://127.0.0.1:{free_port}") as client:
        client.add(2, 3)
    screen.type("C-c")
    assert screen.wait_for_end() == ([f"tcp://127.0.0.1:{free_port}", "^C"], 0)


@every_terminal
def test_a_measurement(show, at, columns, env, colored, live):
    seconds = "1.5s" if live else "0.2s"
    screen = show(f"bench {at} add 2 3 -z {seconds} -c 2 --processes 1", columns, env)
    if live:
        (line,) = screen.wait_until(lambda lines: lines and "%" in lines[-1])
        assert line.split()[1].endswith("/s")
        assert " p99 " in line
        assert len(line) < columns
    lines, code = screen.wait_for_end()
    assert code == 0
    assert lines[0] == f"{at} add"
    assert not any("%" in line and "/s" in line for line in lines)
    assert all(len(line) <= columns for line in lines)
    assert any("p99.9" in line for line in lines)


def test_an_interrupted_measurement(show, at):
    screen = show(f"bench {at} add 2 3 -z 60s -c 2 --processes 1", 80)
    screen.wait_until(lambda lines: lines and "%" in lines[-1])
    screen.type("C-c")
    lines, code = screen.wait_for_end()
    assert code == 130
    assert any("throughput" in line for line in lines)
    assert any(line.startswith("  p99 ") for line in lines)


@every_terminal
def test_a_watched_value(show, columns, env, colored, live):
    screen = show("watch py:time time_ns -n 0.05", columns, env)
    lines = screen.wait_until(lambda lines: len(lines) > 1)
    assert ("every 0.05 s: time_ns" in lines[0]) is live
    first = lines[-1]
    screen.wait_until(lambda lines: lines[-1] != first)
    lines = screen.lines()
    assert (len(lines) == 2) is live
    assert colored or not screen.colors()
    screen.type("C-c")
    _, code = screen.wait_for_end()
    assert code == 130


@every_terminal
def test_results_and_errors(show, at, columns, env, colored, live):
    screen = show(f"call {at} fail", columns, env)
    lines, code = screen.wait_for_end()
    assert code == 22
    assert lines == ["rpcctl: error: ValueError: on purpose", "hint: -v shows the remote traceback"]
    assert bool(screen.colors()) is colored
    screen = show(f'call {at} echo [1,{{"a":null}}]', columns, env)
    lines, code = screen.wait_for_end()
    assert (lines, code) == (["[", "  1,", "  {", '    "a": null', "  }", "]"], 0)
    assert bool(screen.colors()) is colored


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("command", ["protocols", "list py:tests.sample", "explain 56", "call :4242 x --explain"])
def test_no_word_of_a_table_is_broken(show, columns, command):
    screen = show(command, columns, rows=200)
    lines, code = screen.wait_for_end()
    assert code == 0
    assert all(len(line) <= columns for line in lines)
    # All but the headings, of which a block needs no first one.
    _, *wide = run(*command.split(), tty=True, env={"COLUMNS": "400", "NO_COLOR": "1"}).splitlines()
    fitting = {word for line in wide for word in line.split() if len(word) < 26}
    assert fitting <= {word for line in lines for word in line.split()}


def test_ctrl_c_ends_a_call_at_once(show, at):
    screen = show(f"call {at} slow_async 60 -v", 80)
    screen.wait_for("> slow_async")
    screen.type("C-c")
    lines, code = screen.wait_for_end()
    assert code == 130
    assert lines[-1] == "^C"

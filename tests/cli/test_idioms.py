"""What scripts do with commands, in a real bash: each idiom works as with curl, grep or cat."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60.0
LAUNCHER = f'#!/bin/sh\nexec "{sys.executable}" -m rpcctl "$@"\n'


@pytest.fixture
def bash(tmp_path):
    """Runs a script where `rpcctl` is on the path; gives what it printed, its exit code in `returncode`."""
    program = tmp_path / "bin" / "rpcctl"
    program.parent.mkdir()
    program.write_text(LAUNCHER)
    program.chmod(0o755)
    env = {
        "PATH": f"{program.parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "S": "py:tests.sample",
    }

    def run(script, **more):
        return subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            **more,
        )

    return run


def test_a_result_in_a_variable(bash):
    done = bash('set -euo pipefail; now=$(rpcctl call -r py:time strftime %Y/%m/%d); echo "<$now>"')
    assert re.fullmatch(r"<\d{4}/\d\d/\d\d>\n", done.stdout)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_failure_in_a_variable_ends_a_strict_script(bash):
    done = bash('set -euo pipefail; now=$(rpcctl call -r $S fail); echo "not <$now>"')
    assert (done.stdout, done.returncode) == ("", 22)


def test_while_read_keeps_its_lines(bash):
    done = bash("printf '%s\\n' 4 9 16 | while read -r n; do rpcctl call py:math sqrt \"$n\"; done")
    assert done.stdout == "2.0\n3.0\n4.0\n"


def test_no_command_reads_standard_input_unasked(bash):
    commands = [
        *(
            "call :$P echo x",
            "cast :$P remember x",
            "list :$P",
            "describe :$P add",
            "ping :$P",
            "wait :$P",
            "explain 3",
        ),
        *("watch :$P nothing --until '@ == null'", "bench :$P nothing -n 1 -c 1", "call :$P echo x --dry-run"),
        *("protocols", "profile list", "call :$P echo x --explain", "manual", "completion bash"),
    ]
    tries = "".join(f"printf 'a\\nb\\n' | {{ rpcctl {each} > /dev/null; cat; }}; echo $?;" for each in commands)
    script = f"""
        rpcctl serve tests.sample --bind tcp://127.0.0.1:0 --quiet > at &
        trap 'kill %1' EXIT
        until [ -s at ]; do sleep 0.05; done
        P=$(sed 's/.*://' at)
        {tries}
    """
    assert bash(script).stdout == "a\nb\n0\n" * len(commands)


def test_xargs_in_parallel(bash):
    done = bash("seq 1 8 | xargs -P4 -n1 rpcctl call $S add 100 | sort")
    assert done.stdout.split() == [str(100 + n) for n in range(1, 9)]


def test_xargs_tells_of_failures(bash):
    done = bash("printf '1\\nx\\n' | xargs -P4 -n1 rpcctl call py:math sqrt > /dev/null 2>&1; echo $?")
    assert done.stdout == "123\n"


@pytest.mark.parametrize(
    "command",
    [
        "rpcctl call $S count 100000",
        "rpcctl list $S",
        "rpcctl watch $S nothing -n 0.05",
        'seq -f \'{"method": "echo", "params": [%g]}\' 20000 | rpcctl batch $S -',
    ],
)
def test_head_takes_what_it_wants(bash, command):
    done = bash(f"{command} | head -1")
    assert len(done.stdout.splitlines()) == 1
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_for_the_length_of_a_script(bash):
    script = """
        set -euo pipefail
        rpcctl serve tests.sample --bind tcp://127.0.0.1:0 --quiet > at &
        server=$!
        trap 'kill $server; wait $server || true; echo stopped >&2' EXIT
        until [ -s at ]; do sleep 0.05; done
        rpcctl wait "$(cat at)" --timeout 20
        rpcctl call "$(cat at)" add 2 3
    """
    done = bash(script)
    assert (done.stdout, done.stderr, done.returncode) == ("5\n", "stopped\n", 0)


def test_wait_before_the_server_is_there(bash, free_port):
    at = f"tcp://127.0.0.1:{free_port}"
    script = f"""
        {{ sleep 0.3; exec rpcctl serve tests.sample --bind {at} --once --quiet > /dev/null; }} &
        rpcctl wait {at} --timeout 20 && rpcctl call {at} add 2 3; wait
    """
    assert bash(script).stdout == "5\n"


def test_a_watch_waits_for_a_state(bash):
    script = """
        set -euo pipefail
        ready=$(rpcctl watch py:@kv incr n -n 0.05 --until '@ >= `3`' | tail -1)
        echo "ready at $ready"
    """
    assert bash(script).stdout == "ready at 3\n"


def test_results_go_to_a_file_whole_or_not_at_all(bash):
    script = "echo old > f; rpcctl call $S fail_midway 3 -o f 2> /dev/null || cat f; rpcctl call $S count 2 -o f; cat f"
    assert bash(script).stdout == "old\n0\n1\n"


def test_a_server_and_its_proxy_for_the_length_of_a_script(bash):
    script = """
        set -euo pipefail
        rpcctl serve tests.sample --bind tcp://127.0.0.1:0 --quiet > one &
        trap 'kill $(jobs -p); wait' EXIT
        until [ -s one ]; do sleep 0.05; done
        rpcctl proxy "$(cat one)" --bind http://127.0.0.1:0/ --quiet > two &
        until [ -s two ]; do sleep 0.05; done
        rpcctl wait "$(cat two)" --timeout 20
        rpcctl call "$(cat two)" add 2 3
        rpcctl bench "$(cat two)" add 2 3 -n 20 -c 2 --processes 1 -f csv --fail-if 'errors>0' | wc -l
    """
    done = bash(script)
    assert (done.stdout.split(), done.returncode) == (["5", "2"], 0), done.stderr


def test_an_answer_is_taken_apart_without_another_tool(bash):
    chosen = """--select '[].to_string(@) | join(`" "`, @)'"""
    done = bash(f'read -r first second third <<< "$(rpcctl call -r $S default 1 {chosen})"; echo $third $second $first')
    assert done.stdout == "3 2 1\n"


def test_a_list_drives_a_loop(bash):
    done = bash("for m in $(rpcctl list $S 'add*'); do rpcctl describe $S $m | head -1; done")
    assert done.stdout == "add(a: int, b: int) -> int\n"


def test_if_and_or(bash):
    done = bash("rpcctl call $S fail 2> /dev/null || echo no; if rpcctl ping $S > /dev/null; then echo yes; fi")
    assert done.stdout == "no\nyes\n"


def test_a_batch_made_and_taken_apart_by_other_tools(bash):
    script = """
        for n in 1 2 3; do printf '{"method": "add", "params": [%d, 1], "id": %d}\\n' $n $n; done |
            rpcctl batch $S --ordered | sed 's/.*"result": //; s/}//' | paste -sd+
    """
    assert bash(script).stdout == "2+3+4\n"


def test_a_here_document_of_calls(bash):
    done = bash("rpcctl shell $S << 'END'\nadd 2 3\necho \"a b\" [1, 2]\nEND")
    assert done.stdout == '5\n["a b", [1, 2]]\n'


def test_a_coprocess_asks_one_thing_after_the_other(bash):
    script = """
        coproc B { rpcctl batch $S; }
        ask() { echo "$1" >&"${B[1]}"; read -r answer <&"${B[0]}"; echo "$answer"; }
        ask '{"method": "add", "params": [1, 2]}'
        ask '{"method": "echo", "params": ["x"]}'
    """
    assert bash(script).stdout == '{"id": 1, "result": 3}\n{"id": 2, "result": "x"}\n'

"""The process's streams while it serves: seen from outside, through a process of its own."""

import subprocess
import sys

import pytest

from rpcctl.service.stdio import guarded_streams, warn

PROGRAM = """
import os, subprocess, sys
from rpcctl.service.stdio import guarded_streams
print("before")
with guarded_streams() as real:
    print("address", file=real)
    print("printed")
    os.write(1, b"written\\n")
    subprocess.run([sys.executable, "-c", "import sys; print('child read', repr(sys.stdin.read()))"])
    try:
        input()
    except EOFError:
        print("nothing to read", file=real)
print("after", input())
"""


def run(program):
    return subprocess.run(
        [sys.executable, "-c", program], input="typed\n", capture_output=True, text=True, timeout=30, check=True
    )


def test_standard_output_is_kept_for_the_server_and_standard_input_is_empty():
    done = run(PROGRAM)
    assert done.stdout.splitlines() == ["before", "address", "nothing to read", "after typed"]
    assert sorted(done.stderr.splitlines()) == ["child read ''", "printed", "written"]


def test_streams_in_memory_are_replaced_and_put_back(capsys):
    before = sys.stdin, sys.stdout
    with guarded_streams() as real:
        print("address", file=real)
        print("printed")
        with pytest.raises(EOFError):
            input()
    assert (sys.stdin, sys.stdout) == before
    out, err = capsys.readouterr()
    assert (out, err) == ("address\n", "printed\n")


def test_a_server_without_standard_error_still_serves():
    done = run(
        """
import sys
sys.stderr = None
from rpcctl.service.stdio import guarded_streams, warn
with guarded_streams() as real:
    print("address", file=real)
    print("printed")
    warn("nobody hears this")
"""
    )
    assert done.stdout == "address\n"


def test_a_warning_is_one_line_on_standard_error(capsys):
    warn("all is lost")
    assert capsys.readouterr().err == "rpcctl: warning: all is lost\n"

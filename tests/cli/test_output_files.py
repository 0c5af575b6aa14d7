"""Results in a file, standard output that fails, and what an Output costs to import."""

import errno
import io
import os
import stat
import subprocess
import sys
import threading

import pytest

from rpcctl.cli.output import Output
from rpcctl.errors import OutputError, RemoteError
from tests.cli.screen import Buffered, Screen
from tests.shell import Pipe

# Files


def test_a_result_goes_to_a_file(tmp_path):
    path = tmp_path / "out.json"
    screen = Screen(tty=True)
    with screen.output.writing(str(path)):
        screen.output.value({"a": "é\x9b"})
        screen.output.item(2)
        assert not path.exists()
    assert path.read_bytes() == '{"a": "é\x9b"}\n2\n'.encode()
    assert os.listdir(tmp_path) == ["out.json"]
    screen.output.text("afterwards")
    assert screen.plain == "afterwards\n"


@pytest.mark.parametrize("path", [None, "-"])
def test_without_a_file_results_go_to_standard_output(path):
    screen = Screen()
    with screen.output.writing(path):
        screen.output.value(1)
    assert screen.text == "1\n"


@pytest.mark.parametrize("error", [RemoteError("x"), KeyboardInterrupt(), BrokenPipeError()])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, error):
    path = tmp_path / "out"
    path.write_text("old")

    def write_half() -> None:
        screen = Screen()
        with screen.output.writing(str(path)):
            screen.output.item("half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_a_file_keeps_its_rights_and_links(tmp_path):
    old = tmp_path / "old"
    old.write_text("x")
    old.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(old)
    new = tmp_path / "new"
    before = os.umask(0o027)
    try:
        for path in (link, new):
            with Screen().output.writing(str(path)):
                pass
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert old.read_text() == ""
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, new)] == [0o640, 0o640]


def test_a_device_is_written_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    screen = Screen()
    with screen.output.writing(str(pipe)):
        screen.output.value(1)
    reader.join(10)
    assert read == [b"1\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with screen.output.writing("/dev/null"):
        screen.output.value(1)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing/out", "No such file or directory"),
        (".", "Is a directory"),
        ("", ""),
        ("a\0b", "null"),
        ("x" * 300, "File name too long"),
        ("/dev/full", "No space left on device"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch, path, reason):
    monkeypatch.chdir(tmp_path)
    screen = Screen()
    with pytest.raises(OutputError) as caught, screen.output.writing(path):
        screen.output.value("x")
    assert caught.value.message.startswith(f"cannot write {path}: ")
    assert reason in caught.value.message
    assert os.listdir(tmp_path) == []


# When standard output fails


@pytest.mark.parametrize(
    ("error", "raised"),
    [(BrokenPipeError(errno.EPIPE, "pipe"), BrokenPipeError), (OSError(errno.ENOSPC, "No space left"), OutputError)],
)
def test_a_failing_output(error, raised):
    pipe = Buffered()
    pipe.end.error = error
    output = Output(pipe, None, env={})
    with pytest.raises(raised) as caught:
        output.item(1)
    if raised is OutputError:
        assert str(caught.value) == "cannot write the output: No space left"
    pipe.end.error = None


def test_no_standard_output_at_all():
    output = Output(None, None, env={})
    output.flush()
    with pytest.raises(OutputError, match="cannot write the output"):
        output.value(1)
    closed = Pipe()
    closed.close()
    with pytest.raises(OutputError, match="closed"):
        Output(closed, None, env={}).value(1)


@pytest.mark.parametrize("stream", [io.StringIO, io.BytesIO])
def test_streams_of_text_and_of_bytes_will_do(stream):
    out = stream()
    Output(out, None, raw=True, env={}).value("é\ud800")
    Output(out, None, raw=True, env={}).value(b"\xff")
    found = out.getvalue()
    assert found == ("é\\ud800\n\\xff" if isinstance(found, str) else b"\xc3\xa9\\ud800\n\xff")


def test_importing_output_is_cheap():
    script = (
        "import sys, rpcctl.cli.output as o, io\no.Output(io.StringIO(), None, env={}).value([1])\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"rich", "typer", "csv", "logging", "dataclasses", "inspect", "asyncio", "tempfile", "shutil"}
    assert not heavy & set(done.stdout.split())

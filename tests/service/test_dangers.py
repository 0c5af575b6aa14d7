"""Which targets are dangerous to offer to others, and which of their methods make them so."""

import pytest

from rpcctl.service.methods import Selection, dangers, expose
from rpcctl.service.target import load
from tests.service.conftest import Folder


@pytest.mark.parametrize("text", ["math", "time", "json", "random", "os.path", "struct", "statistics", "urllib.parse"])
def test_harmless_targets(text: str):
    assert dangers(expose([load(text)])) == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("os", {"system", "remove", "getpid"}),
        ("subprocess", {"run", "check_output"}),
        ("shutil", {"rmtree"}),
        ("sys", {"exit"}),
        ("builtins", {"eval", "exec", "compile", "input"}),
        ("builtins:open", {"open"}),
        ("importlib", {"import_module"}),
        ("runpy", {"run_path"}),
        ("ctypes", {"string_at"}),
        ("pickle", {"loads"}),
        ("marshal", {"loads"}),
        ("shelve", {"open"}),
        ("socket", {"create_connection", "gethostbyname"}),
        ("signal:raise_signal", {"raise_signal"}),
        ("multiprocessing.connection:wait", {"wait"}),
        ("tempfile", {"mkstemp"}),
        ("pathlib:Path", {"write_text", "unlink"}),
        ("webbrowser", {"open"}),
        ("urllib.request", {"urlopen"}),
        ("sqlite3:connect", {"connect"}),
    ],
)
def test_dangerous_targets_are_named(text: str, named: set[str]):
    found = dangers(expose([load(text)]))
    assert named <= set(found)


def test_only_the_dangerous_builtins_are_named():
    assert dangers(expose([load("builtins")])) == ["compile", "eval", "exec", "input"]


def test_a_danger_is_found_inside_wrappers_and_subclasses(folder: Folder):
    folder.write(
        "sly.py",
        """
        import collections, functools, os, socket

        class Sock(socket.socket):
            def fine(self): pass

        class Service:
            run = staticmethod(os.system)
            later = staticmethod(functools.partial(os.system, "true"))
            size = staticmethod(functools.partial(len, "true"))

            @functools.wraps(os.remove)
            def wrapped(self, *args): pass

            def fine(self): pass

        def loop(): pass
        loop.__wrapped__ = loop
        """,
    )
    assert set(dangers(expose([load("sly:Service")]))) == {"run", "later", "wrapped"}
    target = load("sly:Sock")
    sock = expose([target])
    assert {"recv", "accept"} <= set(dangers(sock))
    assert "fine" not in dangers(sock)
    target.object.close()
    assert dangers(expose([load("sly:loop")])) == []
    assert dangers(expose([load("sly")], Selection(classes=True))) == []

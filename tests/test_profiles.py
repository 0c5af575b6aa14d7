"""Profiles as files, and secrets by their places."""

import sys

import pytest

from rpcctl import profiles
from rpcctl.errors import InputError, RpcctlError, UsageError
from rpcctl.profiles import Profile
from rpcctl.secrets import is_place, read_secret


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        'a "quoted" \\ text',
        "tab\tnew\nline",
        "é 漢 \U0001f600",
        "\x00\x1f\x7f\x80",
        ["a", "b, c"],
        [],
        True,
        False,
    ],
)
def test_what_is_saved_is_loaded(tmp_path, value):
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    saved = Profile("p", "tcp://h:1", {"some-option": value})
    path = profiles.save(saved, environ)
    assert path == str(tmp_path / "rpcctl" / "profiles" / "p.toml")
    assert profiles.load("p", environ) == saved


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/rpcctl/profiles"),
        ({"HOME": "/h"}, "/h/.config/rpcctl/profiles"),
        ({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, "/h/.config/rpcctl/profiles"),
    ],
)
def test_where_profiles_are(environ, folder):
    assert profiles.find_folder(environ) == folder


def test_nothing_is_left_of_what_cannot_be_written(tmp_path):
    (tmp_path / "rpcctl").write_text("a file in the way")
    with pytest.raises(RpcctlError, match="cannot write"):
        profiles.save(Profile("p", "tcp://h:1"), {"XDG_CONFIG_HOME": str(tmp_path)})


def test_places_of_secrets(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("from a file\nsecond line\n")
    monkeypatch.setenv("SECRET", "from a variable")
    assert read_secret("env:SECRET") == "from a variable"
    assert read_secret(f"file:{tmp_path}/secret") == "from a file"
    assert read_secret("cmd:printf 'from %s\\n' a\\ command | cat") == "from a command"


@pytest.mark.parametrize(
    ("place", "error", "said"),
    [
        ("hunter2", UsageError, "names no place"),
        ("env:", UsageError, "names no place"),
        ("env:NOT_THERE_AT_ALL", UsageError, "there is no secret"),
        ("file:/not/there", InputError, "No such file"),
        ("cmd:exit 3", InputError, "exit code 3"),
        ("cmd:true", UsageError, "there is no secret"),
        (f"cmd:{sys.executable} -c 'print(chr(27))'", UsageError, "there is no secret"),
        ("cmd:cat", UsageError, "there is no secret"),
    ],
)
def test_places_without_a_secret(place, error, said):
    with pytest.raises(error, match=said) as caught:
        read_secret(place, "--password")
    assert "hunter2" not in str(caught.value) + caught.value.hint


def test_what_is_a_place():
    assert [is_place(text) for text in ("env:A", "file:x", "cmd:x", "A", "x env:A")] == [True, True, True, False, False]

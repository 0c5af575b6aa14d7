"""Saved addresses: added, shown, removed; what `@NAME` stands for, and by whose word each option has its value."""

import json
import os
import stat

import pytest

from rpcctl import profiles
from rpcctl.cli.app import load_commands
from rpcctl.cli.options import EXPLAIN
from rpcctl.cli.saved import SAVED
from rpcctl.hosting import Server
from rpcctl.profiles import Profile
from rpcctl.settings import variable
from tests.cli.test_complete import values
from tests.shell import rpcctl

SAMPLE = "py:tests.sample"


@pytest.fixture
def home(tmp_path):
    """A user's configuration, and a command line that has it."""

    class Home:
        env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}  # noqa: RUF012
        folder = tmp_path / "config" / "rpcctl" / "profiles"

        def __call__(self, *words, **more):
            return rpcctl(*words, env={**self.env, **more.pop("env", {})}, **more)

        def write(self, name, text):
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{name}.toml"
            path.write_text(text)
            path.chmod(0o600)
            return path

    return Home()


def test_a_profile_stands_for_its_address_in_every_command(home):
    assert home("profile", "add", "here", SAMPLE).exit_status == 0
    assert home("call", "@here", "add", "2", "3") == "5\n"
    assert "add" in home("list", "@here").splitlines()
    assert home("describe", "@here", "add").startswith("add(a: int")
    assert home("ping", "@here").exit_status == 0
    assert home("batch", "@here", stdin=b'{"method": "add", "params": [1, 2]}\n').json["result"] == 3


def test_the_file_is_for_its_owner_alone(home):
    home("profile", "add", "here", SAMPLE)
    path = home.folder / "here.toml"
    assert path.read_text() == f'address = "{SAMPLE}"\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    assert os.listdir(home.folder) == ["here.toml"]


def test_options_are_kept_as_typed(home):
    words = ["--timeout", "5s", "--proto", "jsonrpc", "-H", "X-A: 1", "-H", "X-B: 2", "-k"]
    assert home("profile", "add", "web", "https://localhost:1/", *words).stderr.startswith("rpcctl: saved in ")
    saved = profiles.load("web", home.env)
    assert saved == Profile(
        "web",
        "https://localhost:1/",
        {"proto": "jsonrpc", "timeout": "5s", "header": ["X-A: 1", "X-B: 2"], "insecure": True},
    )


def test_list_show_and_remove(home):
    home("profile", "add", "b", SAMPLE, "--timeout", "5")
    home("profile", "add", "a", "py:math")
    assert home("profile", "list") == "a\nb\n"
    assert "py:math" in home("profile", "list", "-f", "table")
    shown = json.loads(home("profile", "show", "b", "--json"))[0]
    assert (shown["name"], shown["address"], shown["timeout"]) == ("b", SAMPLE, "5")
    assert home("profile", "remove", "@a").exit_status == 0
    assert home("profile", "list") == "b\n"
    assert home("call", "@a", "sqrt", "2").exit_status == 3


def test_one_profile_from_another(home):
    home("profile", "add", "a", SAMPLE, "--timeout", "5", "--retry", "2")
    home("profile", "add", "b", "@a", "--timeout", "7")
    assert profiles.load("b", home.env) == Profile("b", SAMPLE, {"timeout": "7", "retry": "2"})


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("call", "@nope", "x"), 3, "no saved profile 'nope'"),
        (("call", "@heer", "x"), 3, "did you mean here?"),
        (("call", "@../x", "x"), 2, "cannot be the name"),
        (("call", "@", "x"), 2, "cannot be the name"),
        (("profile", "add", "here", SAMPLE), 2, "rpcctl profile remove here"),
        (("profile", "add", "a/b", SAMPLE), 2, "cannot be the name"),
        (("profile", "add", "x", "nonsense"), 3, "not an address"),
        (("profile", "add", "x", "tcp://u:secret@h:1"), 2, "--password env:NAME"),
        (("profile", "add", "x", "tcp://h:1", "--timeout", "soon"), 2, "'soon'"),
        (("profile", "add", "x", "tcp://h:1", "-H", "A: b"), 2, "--header has no meaning for zmq"),
        (("profile", "add", "x"), 2, "a NAME and an ADDRESS"),
        (("profile", "show"), 2, "takes a NAME"),
        (("profile", "list", "x"), 2, "no further word"),
        (("profile", "remove", "x"), 3, "no saved profile"),
        (("profile", "ad", "x", "y"), 2, "did you mean add?"),
    ],
)
def test_what_is_refused(home, words, status, said):
    home("profile", "add", "here", SAMPLE)
    done = home(*words)
    assert done.exit_status == status
    assert said in done.stderr
    assert "secret@" not in done.stderr
    assert home("profile", "list") == "here\n"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("address = ", 26, "not TOML"),
        ('timeout = "5"', 26, "names no address"),
        ('address = "@other"', 26, "names no address"),
        ('address = "py:math"\ntimeout = {a = 1}', 26, "timeout is neither"),
        ('address = "py:math"\ntimuot = "5"', 2, "did you mean timeout?"),
        ('address = "py:math"\ntimeout = "soon"', 2, "timeout in profile odd"),
    ],
)
def test_a_file_that_is_not_a_profile(home, text, status, said):
    home.write("odd", text)
    done = home("call", "@odd", "sqrt", "4")
    assert done.exit_status == status
    assert said in done.stderr


def test_a_file_written_by_hand(home):
    home.write("hand", '# mine\naddress = "py:tests.sample"\ntimeout = 0.2\n')
    assert home("call", "@hand", "slow", "5").exit_status == 28


def test_a_file_that_others_can_write_is_not_trusted(home):
    home.write("open", 'address = "py:math"\n').chmod(0o666)
    done = home("call", "@open", "sqrt", "4")
    assert done.exit_status == 26
    assert "chmod 600" in done.stderr


@pytest.mark.parametrize(
    ("words", "env", "value", "origin"),
    [
        (("--timeout", "1"), {"RPCCTL_TIMEOUT": "2"}, "1", "flag --timeout"),
        ((), {"RPCCTL_TIMEOUT": "2"}, "2", "RPCCTL_TIMEOUT"),
        ((), {}, "3", "profile slow"),
    ],
)
def test_flag_then_variable_then_profile_then_default(home, words, env, value, origin):
    home("profile", "add", "slow", SAMPLE, "--timeout", "3")
    done = home("call", "@slow", "add", "1", "2", "--explain", "--json", *words, env=env)
    rows = {row["option"]: row for row in json.loads(done)}
    assert rows["timeout"] == {"option": "timeout", "value": value, "from": origin}
    assert rows["connect-timeout"] == {"option": "connect-timeout", "value": "5", "from": "default"}
    assert rows["address"] == {"option": "address", "value": SAMPLE, "from": "profile slow"}


EXPLAINED = [each for each in load_commands() if EXPLAIN in each.options]


def word(option):
    """What could be typed for the option, and what --explain then shows of it."""
    return option.choices[-1] if option.choices else "py" if option.type == "text" else "7"


@pytest.mark.parametrize("command", EXPLAINED, ids=lambda command: command.name)
def test_every_option_of_every_command_tells_its_source(home, command):
    places = ["add" for each in command.positionals[1:] if each.required]
    shown = [each for each in command.options if each.type not in ("switch", "count") and each.name != "password"]
    saved = [each for each in shown if each in SAVED]

    def sources(*words, address=SAMPLE, env=None):
        done = home(command.name, address, *places, *words, "--explain", "--json", env=env or {})
        assert done.exit_status == 0, done.stderr
        return {row["option"]: (row["value"], row["from"]) for row in json.loads(done)}

    flags = [part for each in shown for part in (f"--{each.name}", word(each))]
    found = sources(*flags)
    assert {each.name: found[each.name] for each in shown} == {
        each.name: (word(each), f"flag --{each.name}") for each in shown
    }
    for option in saved:
        found = sources(env={variable(option): word(option)})
        assert found[option.name] == (word(option), variable(option))
    home("profile", "add", "all", SAMPLE, *(part for each in saved for part in (f"--{each.name}", word(each))))
    found = sources(address="@all")
    assert {found[each.name] for each in saved} == {(word(each), "profile all") for each in saved}
    plain = sources()
    assert {plain[each.name][1] for each in shown if each.name in plain} <= {"default"}


def test_the_same_order_holds_for_a_protocols_own_options(home, at):
    home("profile", "add", "own", at, "--heartbeat", "3")

    def explain(*words, env=None):
        rows = json.loads(home("call", "@own", "add", "1", "2", "--explain", "--json", *words, env=env or {}))
        return next((row["value"], row["from"]) for row in rows if row["option"] == "heartbeat")

    assert explain("--heartbeat", "1") == ("1", "flag --heartbeat")
    assert explain(env={"RPCCTL_HEARTBEAT": "2"}) == ("2", "RPCCTL_HEARTBEAT")
    assert explain() == ("3", "profile own")
    assert home("call", "@own", "add", "1", "2") == "3\n"
    assert home("call", "@own", "add", "1", "2", "--heartbeat", "1") == "3\n"


def test_explain_calls_nothing_and_needs_no_profile():
    done = rpcctl("call", "tcp://127.0.0.1:1?heartbeat=9", "boom", "--explain", "-r")
    assert done.exit_status == 0
    assert "heartbeat" in done
    assert "address" in done
    assert "command line" in done


def test_a_profiles_own_value_is_used(home):
    home("profile", "add", "brief", SAMPLE, "--timeout", "0.2")
    assert home("call", "@brief", "slow", "5").exit_status == 28


def test_secrets_are_shown_by_their_place_only(home):
    words = ["-H", "X-Key: env:KEY", "-H", "X-Other: plain", "--auth", "bearer:env:TOKEN", "--password", "env:PW"]
    home("profile", "add", "web", "http://me@localhost:1/", *words)
    for done in (home("profile", "show", "web"), home("call", "@web", "x", "--explain")):
        assert "X-Key: env:KEY, X-Other: ***" in done
        assert "bearer:env:TOKEN" in done
        assert "env:PW" in done
        assert "plain" not in done


@pytest.fixture
def guarded(tmp_path):
    """The address of a server that lets in me:hunter2 and the bearer of tok."""
    (tmp_path / "people").write_text("me:hunter2\nBearer tok\n")
    with Server("tests.sample", "http://127.0.0.1:0/", options={"auth-file": str(tmp_path / "people")}) as server:
        yield str(server.addresses[0])


@pytest.mark.parametrize(
    ("user", "words", "env"),
    [
        ("me@", ["--password", "env:PW"], {"PW": "hunter2"}),
        ("me@", ["--password", "cmd:echo hunter2"], {}),
        ("", ["--user", "me", "--password", "env:PW"], {"PW": "hunter2"}),
        ("", ["-H", "Authorization: cmd:echo Bearer tok"], {}),
        ("", ["--auth", "bearer:cmd:echo tok"], {}),
    ],
)
def test_secrets_reach_the_server(home, guarded, user, words, env):
    address = guarded.replace("://", f"://{user}")
    assert home("call", address, "add", "1", "2").exit_status == 67
    home("profile", "add", "web", address, *words)
    done = home("call", "@web", "add", "1", "2", env=env)
    assert (done, done.stderr) == ("3\n", "")


def test_the_password_of_one_user_is_not_sent_for_another(home):
    done = home("call", "http://me:hunter2@127.0.0.1:1/", "add", "--user", "you")
    assert (done.exit_status, "--user you: no password" in done.stderr) == (2, True)


def test_completion_offers_profiles(home, monkeypatch):
    home("profile", "add", "here", SAMPLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", home.env["XDG_CONFIG_HOME"])
    assert "@here" in values("call", "")
    assert "@here" in values("list", "@")
    assert "@here" in values("bench", ":4242", "add", "--vs", "@")
    assert "--vs=@here" in values("bench", ":4242", "add", "--vs=@")
    assert values("profile", "show", "") == ["here"]
    assert set(values("profile", "")) == {"add", "list", "show", "remove"}

"""The scripts: the same as those in completions/, and at work in the shells they are for."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rpcctl import profiles
from rpcctl.cli.completion import SCRIPTS
from rpcctl.cli.shells import SHELLS
from rpcctl.profiles import Profile
from tests.cli import terminal
from tests.cli.terminal import Terminal
from tests.shell import rpcctl

SCRIPT_FILES = {
    name: terminal.ROOT / "completions" / file
    for name, file in (("bash", "rpcctl.bash"), ("zsh", "_rpcctl"), ("fish", "rpcctl.fish"))
}
# Where the package for bash's completions lies, on Debian and its like, and with Homebrew.
PACKAGES = ("/usr/share/bash-completion/bash_completion", "/opt/homebrew/etc/profile.d/bash_completion.sh")
HOSTILE = """
NAMES = ["a b", "a'b", 'a"b', "a$(touch run)", "a`touch run`", "a;touch run", "a|b", "a<b", "a*", "a!b", "a{1,2}",
         "a:b", "a=b", "a[1]", "#a", "~root", "=ls", "aé", "a:"]
LEFT_OUT = ["a\\tb", "a\\nb", "a\\x1b[2Jb", "a\\x85b", "a\\u202eb", "--output=x"]
for name in NAMES + LEFT_OUT:
    globals()[name] = lambda: None
__all__ = NAMES + LEFT_OUT
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shells' home and current folder, with `rpcctl` installed and a few files."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("calc.py", "call me.txt"):
        (folder / name).touch()
    (folder / "hostile.py").write_text(HOSTILE)
    for name, address in (("eu-1", "tcp://h:1"), ("eu-2", "tcp://h:2"), ("local", "py:math")):
        profiles.save(Profile(name, address), {"XDG_CONFIG_HOME": str(folder)})
    return folder


@pytest.fixture(scope="module")
def env(folder: Path) -> dict[str, str]:
    return terminal.install(folder)


def start_file(kind: str) -> str:
    """What the shell runs first: with the script sourced, or found the way its packages find it."""
    script = {name: str(path) for name, path in SCRIPT_FILES.items()}
    return {
        "bash": f"{terminal.BASH}\nsource {script['bash']}",
        "bash with its package": f"source {next((each for each in PACKAGES if Path(each).exists()), PACKAGES[0])}\n"
        f"{terminal.BASH}\nsource <(rpcctl completion bash)",
        "zsh": f"{terminal.ZSH}\nsource {script['zsh']}",
        "zsh from fpath": f"fpath=({SCRIPT_FILES['zsh'].parent} $fpath)\n{terminal.ZSH}",
    }[kind]


def need(shell_name: str) -> None:
    """Skip, which CI takes for a failure, when the shell is not installed."""
    if shutil.which(shell_name) is None:
        pytest.skip(f"{shell_name} is not installed")


@pytest.fixture(scope="module", params=["bash", "bash with its package", "zsh", "zsh from fpath"])
def shell(request: pytest.FixtureRequest, folder: Path, env: dict[str, str]) -> Iterator[Terminal]:
    """An interactive shell."""
    kind: str = request.param
    need(kind.partition(" ")[0])
    if kind == "bash with its package" and not any(Path(each).exists() for each in PACKAGES):
        pytest.skip("the package bash-completion is not installed")
    name = ".zshrc" if kind.startswith("zsh") else ".bashrc"
    (folder / name).write_text(start_file(kind) + "\n")
    argv = ["zsh", "-d", "-i"] if name == ".zshrc" else ["bash", "--noprofile", "-i"]
    started = Terminal(argv, env, folder)
    yield started
    started.close()


@pytest.fixture(scope="module")
def served(env: dict[str, str]) -> Iterator[str]:
    """The address of a `rpcctl serve` that runs."""
    argv = ["rpcctl", "serve", "tests.sample", "--bind", "tcp://127.0.0.1:0", "--quiet"]
    with subprocess.Popen(
        argv,
        executable=shutil.which("rpcctl", path=env["PATH"]),
        env=env,
        cwd=terminal.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


Fish = Callable[[str], list[str]]


@pytest.fixture
def fish(folder: Path, env: dict[str, str]) -> Fish:
    """A function that tells what fish offers for a line, as `VALUE<TAB>HELP`."""
    need("fish")
    code = f"source {SCRIPT_FILES['fish']}; complete -C $argv[1]"

    def ask(line: str) -> list[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", code, line], env=env, cwd=folder, capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        return done.stdout.splitlines()

    return ask


@pytest.mark.parametrize("shell_name", SHELLS)
def test_the_command_prints_the_file_in_the_folder(shell_name):
    printed = rpcctl("completion", shell_name)

    assert printed.raw == SCRIPT_FILES[shell_name].read_bytes()


def test_there_is_a_script_for_each_shell():
    assert set(SCRIPTS) == set(SHELLS)


def test_another_shell_is_a_usage_error():
    outcome = rpcctl("completion", "fisch")

    assert outcome.exit_status == 2
    assert "did you mean fish?" in outcome.stderr


# The line typed, and the words it has when every candidate was put in place of the last one.
LINES = [
    ("rpcctl ca", ["call", "cast"]),
    ("rpcctl call --connect-t", ["--connect-timeout"]),
    ("rpcctl call --proto z", ["zerorpc", "zmq"]),
    ("rpcctl explain 14", ["141", "143"]),
    ("rpcctl completion z", ["zsh"]),
    ("rpcctl call tcp://127.0.0.1:4", ["tcp://127.0.0.1:4242"]),
    ('rpcctl call "tcp://127.0.0.1:4', ["tcp://127.0.0.1:4242"]),
    ("rpcctl call py:math sq", ["sqrt"]),
    ('rpcctl call "py:math" sq', ["sqrt"]),
    ("rpcctl call py:math -- sq", ["sqrt"]),
    ("rpcctl serve ./cal", ["./calc.py", "./call me.txt"]),
    ("rpcctl call :4242 put @calc", ["@calc.py"]),
    ("rpcctl call --output=calc", ["--output=calc.py"]),
    ("rpcctl call py:calc", ["py:calc.py"]),
    ("rpcctl call @eu", ["@eu-1", "@eu-2"]),
    ("rpcctl call @local sq", ["sqrt"]),
    ("rpcctl profile show eu", ["eu-1", "eu-2"]),
    ("rpcctl batch :4242 cal", ["calc.py", "call me.txt"]),
]


@pytest.mark.parametrize(("line", "words"), LINES)
def test_bash_and_zsh_complete(shell, line, words):
    typed = [word.strip('"') for word in line.split()[:-1]]

    assert shell.complete(line) == [*typed, *words]


def test_a_target_that_is_not_there_changes_nothing(shell, fish):
    line = "rpcctl call py:no_such_module sq"

    assert shell.complete(line) == line.split()
    assert fish(line) == []


def test_a_word_that_goes_on_gets_no_space(shell):
    assert shell.complete("rpcctl call exe", "\t", "cat") == ["rpcctl", "call", "exec:cat"]
    assert shell.complete("rpcctl comp", "\t", "bash") == ["rpcctl", "completion", "bash"]


def test_names_from_a_hostile_server_are_words_and_nothing_else(shell, folder):
    names: dict[str, list[str]] = {}
    exec(HOSTILE, names)

    words = shell.complete("rpcctl call py:hostile ")

    assert sorted(words[3:]) == sorted(names["NAMES"])
    assert not (folder / "run").exists()


@pytest.mark.parametrize("shell", ["zsh", "zsh from fpath"], indirect=True)
def test_zsh_shows_what_a_command_is_for(shell):
    assert "-- Call a method and print" in shell.show("rpcctl ca", "\t", "error from the method")


@pytest.mark.parametrize(("line", "words"), LINES)
def test_fish_completes(fish, line, words):
    offered = [each.partition("\t")[0] for each in fish(line)]

    assert sorted(offered) == words


def test_fish_shows_what_a_command_is_for(fish):
    assert "call\tCall a method and print what it returns" in fish("rpcctl ca")
    assert fish("rpcctl call py:math sq") == ["sqrt\t(x, /) Return the square root of x."]


def test_fish_gets_names_from_a_hostile_server_whole(fish):
    names: dict[str, list[str]] = {}
    exec(HOSTILE, names)

    offered = [each.partition("\t")[0] for each in fish("rpcctl call py:hostile ")]

    assert sorted(offered) == sorted(names["NAMES"])


def test_methods_of_a_running_server(shell, fish, served):
    assert shell.complete(f"rpcctl call {served} ech") == ["rpcctl", "call", served, "echo"]
    assert fish(f"rpcctl call {served} ech") == [
        "echo\t(value: Any, *more: Any) -> Any What was given: the one value, or a list of them."
    ]

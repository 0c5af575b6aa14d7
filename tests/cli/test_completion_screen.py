"""Completion as a person sees it: the Tab key in real shells on real terminals, wide and narrow."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rpcctl import profiles
from rpcctl.profiles import Profile
from tests.cli import terminal
from tests.cli.tmux import Tmux

SCRIPTS = terminal.ROOT / "completions"
STARTS = {
    "bash": f"PS1='$ '\nbind 'set bell-style none'\nsource {SCRIPTS}/rpcctl.bash\n",
    "zsh": f"PS1='$ '\nfpath=({SCRIPTS} $fpath)\nautoload -Uz compinit\ncompinit -D -u\n",
    "fish": f"function fish_prompt; echo '$ '; end\nset -g fish_greeting\nsource {SCRIPTS}/rpcctl.fish\n",
}
COMMANDS = {
    "bash": ["bash", "--noprofile", "--rcfile", "start", "-i"],
    "zsh": ["zsh", "-d", "-i"],
    "fish": ["fish", "--no-config", "--init-command", "source start", "--interactive"],
}


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a user with `rpcctl` and a profile."""
    folder = tmp_path_factory.mktemp("home")
    profiles.save(Profile("sample", "py:tests.sample"), {"XDG_CONFIG_HOME": str(folder)})
    return terminal.install(folder)


@pytest.fixture(params=list(COMMANDS))
def name(request: pytest.FixtureRequest) -> str:
    """A shell that is installed; one that is not is skipped, which CI takes for a failure."""
    found: str = request.param
    if shutil.which(found) is None:
        pytest.skip(f"{found} is not installed")
    return found


@pytest.fixture(params=[80, 40])
def prompt(request: pytest.FixtureRequest, name: str, env: dict[str, str]) -> Iterator[Tmux]:
    """The shell at its prompt, in its home."""
    home = Path(env["HOME"])
    (home / "start").write_text(STARTS[name])
    (home / ".zshrc").write_text(STARTS["zsh"])
    kept = {each: env[each] for each in ("HOME", "ZDOTDIR", "XDG_CONFIG_HOME", "PATH", "RPCCTL_COMPLETION_TIMEOUT")}
    words = ["env", "-C", str(home), *COMMANDS[name]]
    window = Tmux(words, request.param, {**kept, "PYTHONPATH": str(terminal.ROOT), "LC_ALL": "C.UTF-8"})
    try:
        window.wait_for("$")
        yield window
    finally:
        window.close()


def test_tab_completes_what_has_one_end_and_shows_what_has_several(prompt):
    prompt.type("rpcctl desc", "Tab")
    prompt.wait_for("$ rpcctl describe")
    prompt.type("@sam", "Tab")
    prompt.wait_for("$ rpcctl describe @sample")
    prompt.type("rem", "Tab")
    # The blanks are those that completion puts behind a word: the next one may be typed at once.
    prompt.wait_for("$ rpcctl describe @sample remember")
    prompt.type("C-u", "rpcctl bench @sample count", "Tab", "Tab")
    screen = prompt.wait_for("count_async")
    assert "Traceback" not in screen
    assert "rpcctl: error" not in screen

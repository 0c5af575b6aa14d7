"""The prompt of `rpcctl shell`, on standard error: alone in knowing prompt_toolkit, which comes with an extra.

A dumb terminal gets a plain prompt, which needs none of it, and so does any where it is not installed.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

from rpcctl.cli.command import Environment
from rpcctl.cli.shell_hints import hint, offer
from rpcctl.cli.shell_line import is_complete
from rpcctl.cli.terminal import escape, examine, is_tty

if TYPE_CHECKING:
    from rpcctl.cli.shell_loop import Shell

Ask = Callable[[], str]
"""Asks for a line, or several that belong together; raises EOFError and KeyboardInterrupt."""
_LARGEST = 1 << 20
"""Size of the history, in bytes, from which on its older half is dropped."""
_NAME = 20
_MORE = "... "


def is_missing(environment: Environment) -> bool:
    """Whether this terminal could have a better prompt if prompt_toolkit were installed."""
    if _is_dumb(environment):
        return False
    try:
        import prompt_toolkit  # noqa: F401
    except ImportError:
        return True
    return False


def make_prompt(environment: Environment, shell: "Shell") -> Ask:
    """A prompt that knows what the shell's server can do."""
    name = escape(shell.description.name if shell.description else "")[:_NAME] or "rpcctl"
    if _is_dumb(environment) or is_missing(environment):
        return lambda: _ask_plainly(environment, f"{name}> ")
    return _Prompt(environment, shell, f"{name}> ").ask


def find_history(environ: Mapping[str, str]) -> str:
    """Where the lines typed are kept."""
    home = environ.get("HOME") or os.path.expanduser("~")
    base = environ.get("XDG_STATE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.join(home, ".local", "state"), "rpcctl", "history")


def prepare_history(path: str) -> bool:
    """Make the file, for its owner alone, and drop the older half of a long one; whether it can be used."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            os.chmod(path, 0o600)
            size = file.seek(0, os.SEEK_END)
            if size > _LARGEST:
                file.seek(size // 2)
                kept = file.read().partition(b"\n\n")[2]
                file.seek(0)
                file.truncate()
                file.write(kept)
    except OSError:
        return False
    return True


def _is_dumb(environment: Environment) -> bool:
    return environment.environ.get("TERM") == "dumb" or _find_screen(environment) is None


def _find_screen(environment: Environment) -> Any:
    """Where a prompt is seen: results have standard output to themselves, if they can."""
    return next((each for each in (environment.stderr, environment.stdout) if is_tty(each)), None)


def _ask_plainly(environment: Environment, prompt: str) -> str:
    text = ""
    while True:
        with suppress(OSError, ValueError):
            print(_MORE if text else prompt, end="", file=environment.stderr, flush=True)
        line = str(environment.stdin.readline())
        if not line:
            raise EOFError
        text += line
        if is_complete(text.removesuffix("\n")):
            return text.removesuffix("\n")


class _Prompt:
    """A line editor with completion, a signature below, and history."""

    def __init__(self, environment: Environment, shell: "Shell", prompt: str) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.input import create_input
        from prompt_toolkit.output import ColorDepth, create_output

        self._shell = shell
        self._prompt = prompt
        screen = _find_screen(environment)
        colored = examine(screen, "auto", environment.environ).color
        self._session: PromptSession[str] = PromptSession(
            history=_make_history(find_history(environment.environ)),
            completer=self._make_completer(),
            bottom_toolbar=self._hint,
            multiline=True,
            prompt_continuation=lambda width, number, wrapped: _MORE.rjust(width)[:width],
            key_bindings=_make_bindings(),
            reserve_space_for_menu=5,
            enable_suspend=True,
            color_depth=None if colored else ColorDepth.DEPTH_1_BIT,
            input=create_input(cast("TextIO", environment.stdin)),
            output=create_output(stdout=screen),
        )

    def ask(self) -> str:
        return str(self._session.prompt(self._prompt))

    def _hint(self) -> str:
        width = self._session.output.get_size().columns
        return hint(self._session.default_buffer.text, self._shell.description, width - 1)

    def _make_completer(self) -> Any:
        from prompt_toolkit.completion import Completer, Completion

        shell = self._shell

        class Offer(Completer):
            def get_completions(self, document: Any, event: Any) -> Iterator[Completion]:
                text = document.text_before_cursor
                named = "kwargs" in shell.connection.info.features
                for each in offer(text, shell.description, named=named):
                    start = -len(text.rpartition(" ")[2])
                    yield Completion(each.value, start_position=start, display_meta=each.help)

        return Offer()


def _make_history(path: str) -> Any:
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class Kept(FileHistory):
        def store_string(self, string: str) -> None:
            # As in other shells a space in front keeps a line, which may hold a secret, to this run.
            if not string.startswith(" "):
                with suppress(OSError):
                    super().store_string(string)

    return Kept(path) if prepare_history(path) else InMemoryHistory()


def _make_bindings() -> Any:
    """Enter ends a line that is complete, takes the completion that is chosen, or else begins another line.

    Tab completes at once: prompt_toolkit's own does nothing while the list for what was just typed is still being made.
    """
    from prompt_toolkit.completion import CompleteEvent, get_common_complete_suffix
    from prompt_toolkit.key_binding import KeyBindings

    bindings = KeyBindings()

    @bindings.add("tab")
    def tab(event: Any) -> None:
        buffer = event.current_buffer
        if buffer.complete_state:
            buffer.complete_next()
            return
        asked = CompleteEvent(completion_requested=True)
        found = list(buffer.completer.get_completions(buffer.document, asked))
        if common := get_common_complete_suffix(buffer.document, found):
            buffer.insert_text(common)
        elif len(found) > 1:
            buffer.start_completion()

    @bindings.add("enter")
    def enter(event: Any) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None
        elif is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return bindings

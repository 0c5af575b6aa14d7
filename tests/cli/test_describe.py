"""describe: what is shown, patterns, and what is written for programs: OpenRPC documents and Python modules."""

import json
import shlex
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl import registry
from rpcctl.cli.describe import call_line
from rpcctl.cli.stub import write_module
from rpcctl.cli.stub_types import ARGUMENTS, read_item_type, read_type, results
from rpcctl.messages import REQUIRED, Description, MethodDescription, Parameter
from tests.cli.screen import COLOR
from tests.conftest import every_protocol, protocols_with
from tests.shell import rpcctl

SAMPLE = "py:tests.sample"
ZMQ = registry.find("zmq")


def test_a_pattern_describes_those_that_match():
    outcome = rpcctl("describe", SAMPLE, "slow*")
    assert [line for line in outcome.splitlines() if line.startswith("slow")] == [
        "slow(seconds: float) -> float",
        "slow_async(seconds: float) -> float",
    ]
    assert [each["name"] for each in rpcctl("describe", SAMPLE, "add*", "--json").json["methods"]] == ["add"]


def test_a_pattern_that_matches_nothing_is_told():
    outcome = rpcctl("describe", SAMPLE, "nope*")
    assert outcome.exit_status == 78
    assert "no method matches 'nope*'" in outcome.stderr


def test_a_terminal_tells_the_parts_of_a_signature_apart():
    outcome = rpcctl("describe", SAMPLE, "fail", tty=True)
    line = outcome.splitlines()[0]
    assert COLOR.sub("", line) == "fail(message: str = 'on purpose') -> None"
    painted = {COLOR.sub("", part): part for part in line.split("\x1b[0m")}
    assert "\x1b[1mfail" in line
    assert "\x1b[34mmessage" in line
    assert "\x1b[36mstr" in line
    assert "\x1b[32m'on purpose'" in line
    assert len(painted) > 4


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (MethodDescription("f", (Parameter("a"), Parameter("b", default=1))), ["f", "A"]),
        (MethodDescription("f g", (Parameter("a; rm"), Parameter("c", "named"))), ["f g", "A; RM", "c=C"]),
        (MethodDescription("f", None), ["f"]),
    ],
)
def test_the_call_line_is_quoted_for_the_shell(method, words):
    line = call_line(method, "tcp://h:1?a=b c", ZMQ)
    assert shlex.split(line) == ["rpcctl", "call", "tcp://h:1?a=b c", *words]


def test_where_arguments_have_names_only_the_call_line_names_them():
    info = ZMQ._replace(features=frozenset({"kwargs"}))
    assert call_line(MethodDescription("f", (Parameter("a"),)), ":1", info) == "rpcctl call :1 f a=A"


@every_protocol("inspect")
def test_openrpc_of_any_server(address):
    at = address()
    document = rpcctl("describe", at, "--as", "openrpc").json
    assert document["openrpc"] == "1.3.2"
    assert document["servers"][0]["url"] == at
    add = next(each for each in document["methods"] if each["name"] == "add")
    assert [each["name"] for each in add["params"]] == ["a", "b"]


def test_openrpc_can_be_chosen_from_and_be_yaml():
    assert rpcctl("describe", SAMPLE, "--as", "openrpc", "--select", "methods[0].name").json == "add"
    assert rpcctl("describe", SAMPLE, "add", "--as", "openrpc", "-f", "yaml").startswith("openrpc: 1.3.2\n")


# Python modules


def load(path: Any, name: str) -> Any:
    """The module at the path."""
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@every_protocol("inspect")
def test_a_module_for_any_server_works(address, protocol, tmp_path):
    path = tmp_path / "client.py"
    assert rpcctl("describe", address(), "--as", "python", "-o", str(path)).exit_status == 0
    module = load(path, "client")
    client_class = next(each for name, each in vars(module).items() if name.endswith(("Sample", "Client")))
    with client_class(timeout=10.0) as client:
        assert client.add(2, 3) == 5
        # What a signature gathers from further arguments cannot be named.
        further = ("b",) if "args" in registry.find(protocol).features else ()
        assert client.echo("a", *further) == (["a", "b"] if further else "a")
        assert list(client.count(3)) == [0, 1, 2]
        assert client.nothing() is None
        assert client.default(1) == [1, 2, 3]
        assert client.default(1, 5) == [1, 5, 3]
        with pytest.raises(module.rpcctl.RemoteError, match="on purpose"):
            client.fail()


HOSTILE = Description(
    'evil"""\nimport os\n',
    (
        MethodDescription("close", (), "None"),
        MethodDescription("list", (), "list[int]"),
        MethodDescription("a.b", (Parameter("class"), Parameter("self"), Parameter("x y", default="os.remove('/')"))),
        MethodDescription("a_b", (Parameter("a", default=1), Parameter("b"))),
        MethodDescription("", (Parameter(""), Parameter("")), "__import__('os').system('x')"),
        MethodDescription("ﬁ", (Parameter("more", "more"), Parameter("r", "rest"), Parameter("r2", "rest"))),
        MethodDescription('"""\\', (Parameter("n", "named", type="'\\n'"),), '"""', '"""\\\n\x1b[31m\ud800'),
        MethodDescription("stream", None, "Iterator[dict[str, Optional[int]]]", stream=True),
        MethodDescription("stream2", (), "nonsense", stream=True),
        MethodDescription("match", (Parameter("a", "positional"), Parameter("b")), "Literal['x', 1]"),
        MethodDescription("guessed", (Parameter("a"),), "str", exact=False),
    ),
    "\\",
)
COMBINED = Description("Any", HOSTILE.methods, "doc")


def test_modules_pass_strict_type_checking(tmp_path):
    names = {}
    for n, description in enumerate((HOSTILE, COMBINED)):
        for info in registry.protocols():
            name = f"client_{info.scheme}_{n}"
            names[name] = write_module(description, info, f"{info.scheme}://h:1")
    for protocol in protocols_with("inspect"):
        if not registry.find(protocol).server:
            names["sample"] = rpcctl("describe", f"{protocol}:tests.sample", "--as", "python")
    for name, source in names.items():
        (tmp_path / f"{name}.py").write_text(source)
    (tmp_path / "use.py").write_text(
        "from sample import TestsSample\n\n"
        "def use(client: TestsSample) -> int:\n"
        "    total: int = client.add(2, 3) + sum(client.count(3))\n"
        "    client.slow('x')  # type: ignore[arg-type]\n"  # One that ignores nothing would be an error.
        "    return total + len(client.remembered())\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--python-version", "3.10", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_server_says_does_nothing_in_a_module(tmp_path):
    path = tmp_path / "evil.py"
    path.write_text(write_module(HOSTILE, ZMQ, "tcp://h:1"))
    module = load(path, "evil")
    assert not hasattr(module, "os")
    assert module.EvilImportOs.close is not module.EvilImportOs.close_


TEXT = st.text(max_size=12) | st.sampled_from(["int", "list[int]", '"""', "\\", "a\nb", "self", "*", "None", "x: int"])
PARAMETERS = st.builds(
    Parameter,
    TEXT,
    st.sampled_from(["positional", "either", "rest", "named", "more"]),
    st.just(REQUIRED) | st.none() | TEXT,
    TEXT,
)
METHODS = st.builds(
    MethodDescription, TEXT, st.none() | st.lists(PARAMETERS, max_size=4).map(tuple), TEXT, TEXT, st.booleans()
)


@given(st.builds(Description, TEXT, st.lists(METHODS, max_size=3).map(tuple), TEXT), st.sampled_from([0, 1, 2]))
@settings(max_examples=150, deadline=None)
def test_any_description_makes_a_module_that_compiles(description, wire):
    features = [frozenset({"args"}), frozenset({"kwargs"}), frozenset({"args", "kwargs"})][wire]
    source = write_module(description, ZMQ._replace(features=features), "tcp://h:1")
    compile(source.encode("utf-8"), "client", "exec")


@pytest.mark.parametrize(
    ("text", "argument", "result"),
    [
        ("int", "int", "int"),
        ("", "Any", "Any"),
        ("None", "None", "None"),
        ("bytes", "bytes", "str"),
        ("list[int]", "Sequence[int]", "list[int]"),
        ("tuple[int, ...]", "Sequence[int]", "list[int]"),
        ("tuple[int, str]", "Sequence[Any]", "list[Any]"),
        ("set", "Sequence[Any]", "list[Any]"),
        ("dict[int, list[str]]", "Mapping[int, Sequence[str]]", "dict[str, list[str]]"),
        ("Mapping", "Mapping[Any, Any]", "dict[str, Any]"),
        ("int | None", "int | None", "int | None"),
        ("Optional[int | None]", "int | None", "int | None"),
        ("typing.Union[int, str]", "int | str", "int | str"),
        ("int | Strange", "Any", "Any"),
        ("'int'", "int", "int"),
        ("Literal['a', 1]", "Literal['a', 1]", "Literal['a', 1]"),
        ("Literal[x]", "Any", "Any"),
        ("Annotated[int, 'x']", "int", "int"),
        ("datetime.datetime", "Any", "Any"),
        ("list[" * 50 + "int" + "]" * 50, None, None),
        ("list[()]", "Sequence[Any]", "list[Any]"),
        ("f(x)", "Any", "Any"),
        ("lambda: 0", "Any", "Any"),
        ("\x00", "Any", "Any"),
        ("(" * 1000, "Any", "Any"),
    ],
)
def test_types_are_those_that_are_known(text, argument, result):
    plain = results(binary=False, any_key=False)
    found = read_type(text, ARGUMENTS), read_type(text, plain)
    assert argument is None or found == (argument, result)


def test_the_type_of_an_item():
    side = results(binary=True, any_key=True)
    assert read_item_type("Iterator[dict[int, bytes]]", side) == "dict[int, bytes]"
    assert read_item_type("AsyncGenerator[int, None]", side) == "int"
    assert read_item_type("nonsense", side) == "Any"


def test_json_of_describe_has_not_changed():
    assert json.loads(rpcctl("describe", SAMPLE, "add", "--json"))["signature"] == "(a: int, b: int) -> int"

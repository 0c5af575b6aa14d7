"""Who is let in: the forms of --auth-file, and what a client without a login is told."""

import base64
import hashlib

import pytest

from rpcctl.errors import InputError, UsageError
from rpcctl.http.auth import Doorkeeper, read_auth_file
from tests.http.conftest import Echo, post


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


SCRYPT = "scrypt:1024:8:1$salt$" + hashlib.scrypt(b"pa:ss", salt=b"salt", n=1024, r=8, p=1, dklen=64).hex()
PBKDF2 = "pbkdf2:sha256:1000$salt$" + hashlib.pbkdf2_hmac("sha256", b"pa:ss", b"salt", 1000).hex()
SHA1 = "{SHA}" + base64.b64encode(hashlib.sha1(b"pa:ss").digest()).decode()
SHA256 = "Bearer sha256:" + hashlib.sha256(b"t0ken").hexdigest()
FORMS = [
    ("u:pa:ss", basic("u", "pa:ss")),
    (f"u:{SCRYPT}", basic("u", "pa:ss")),
    (f"u:{PBKDF2}", basic("u", "pa:ss")),
    (f"u:{SHA1}", basic("u", "pa:ss")),
    ("ü:ß", basic("ü", "ß")),
    ("Bearer t0ken", "Bearer t0ken"),
    ("Bearer t0ken", "bearer t0ken"),
    (SHA256, "Bearer t0ken"),
]
WRONG = [
    "",
    "Basic",
    "Basic !!!",
    "Basic dTpwYTpzcw",
    basic("u", ""),
    basic("u", "pa:sS"),
    basic("x", "pa:ss"),
    basic("", ""),
    "Basic " + base64.b64encode(b"u").decode(),
    "Bearer",
    "Bearer t0kem",
    "Bearer pa:ss",
    "Digest x",
    "x" * 10_000,
]


@pytest.fixture
def file(tmp_path):
    def write(*lines: str) -> str:
        path = tmp_path / "auth"
        path.write_text("\n".join(["# who is let in", "", *lines, ""]), encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(("line", "header"), FORMS, ids=[form[0][:20] for form in FORMS])
def test_forms_of_the_file(file, serve, raw, line, header):
    connection = raw(serve(auth_file=file("other:one", "Bearer other", line)).address)
    for _ in range(2):
        connection.send(post(b"x", f"Authorization: {header}".encode().decode("latin-1")))
        assert connection.read_answer()[2] == b"x"


@pytest.mark.parametrize("line", [form[0] for form in FORMS if not form[0].startswith("ü")])
@pytest.mark.parametrize("header", WRONG, ids=lambda header: header[:20])
def test_nobody_else_is_let_in(file, line, header):
    keeper = Doorkeeper(read_auth_file(file(line)))
    assert not keeper.look({"authorization": header})
    assert not keeper.verify({"authorization": header})
    assert not keeper.look({})


@pytest.mark.parametrize("line", ["u:pa:ss", f"u:{SCRYPT}"])
def test_without_a_login_nothing_is_run(file, serve, raw, line):
    app = Echo()
    address = serve(app, auth_file=file(line)).address
    for sent in (post(b"x"), post(b"x", "Authorization: " + basic("u", "guess")), post(b"", method="GET")):
        connection = raw(address)
        connection.send(sent)
        status, headers, _ = connection.read_answer()
        assert (status, headers["www-authenticate"]) == (401, 'Basic realm="rpcctl", charset="UTF-8"')
    assert not app.posts


def test_the_file_is_read_again_and_the_old_list_goes_on_when_it_is_bad(file, serve, raw):
    serving = serve(auth_file=file(f"u:{SCRYPT}"))
    assert serving.server.files == (file(f"u:{SCRYPT}"),)

    def status(header):
        connection = raw(serving.address)
        connection.send(post(b"x", f"Authorization: {header}"))
        return connection.read_answer()[0]

    assert status(basic("u", "pa:ss")) == 200
    file("Bearer fresh")
    assert status("Bearer fresh") == 401
    serving.server.reload()
    assert (status(basic("u", "pa:ss")), status("Bearer fresh")) == (401, 200)
    file("nobody")
    with pytest.raises(UsageError, match="line 3"):
        serving.server.reload()
    assert status("Bearer fresh") == 200


def test_the_ways_that_there_are_are_told(file, serve, raw):
    connection = raw(serve(auth_file=file("Bearer x")).address)
    connection.send(post(b"x"))
    assert connection.read_answer()[1]["www-authenticate"] == 'Bearer realm="rpcctl"'


def test_a_browser_may_ask_for_the_methods_without_a_login(file, serve, raw):
    connection = raw(serve(auth_file=file("u:p"), cors=("*",)).address)
    connection.send(post(b"", "Origin: https://a.example", "Access-Control-Request-Method: POST", method="OPTIONS"))
    assert connection.read_answer()[0] == 204


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("nonsense", "line 3: neither"),
        ("u:", "line 3: neither"),
        ("u:$2y$05$abc", "line 3: this kind of hash"),
        ("u:$apr1$abc", "line 3: this kind of hash"),
        ("u:scrypt:7:8:1$salt$aabb", "line 3: no hash of scrypt"),
        ("", "lets nobody in"),
    ],
)
def test_a_line_that_lets_nobody_in_is_refused(file, line, match):
    with pytest.raises(UsageError, match=match):
        read_auth_file(file(line))


def test_a_secret_in_a_bad_line_is_not_repeated(file):
    with pytest.raises(UsageError) as caught:
        read_auth_file(file("hunter2"))
    assert "hunter2" not in caught.value.message


def test_a_file_that_is_not_there():
    with pytest.raises(InputError, match="/nowhere"):
        read_auth_file("/nowhere")

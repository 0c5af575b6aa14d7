"""What servers in the wild do beyond the specification, replayed by a small one: the client survives it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rpcctl.api import Connection
from rpcctl.errors import (
    ArgumentError,
    AuthError,
    InvalidArgumentsError,
    MethodNotFoundError,
    RemoteError,
    RemoteProtocolError,
    UsageError,
)
from rpcctl.replies import read_result
from tests.interop.http_peers import Asked, CannedServer
from tests.shell import rpcctl

Canned = Callable[..., tuple[CannedServer, Connection]]


@pytest.fixture
def canned() -> Iterator[Canned]:
    """A function that starts a server and connects to it, `canned(answer, path, **options)`."""
    opened: list[Any] = []

    def start(answer: Callable[[Asked], Any], path: str = "/", **options: Any) -> tuple[CannedServer, Connection]:
        server = CannedServer(answer)
        client = Connection(server.address + path, timeout=5.0, options=options)
        opened.extend([client, server])
        return server, client

    yield start
    for each in opened:
        each.close()


def result(value: Any) -> Callable[[Asked], Any]:
    return lambda asked: {"jsonrpc": "2.0", "result": value, "id": asked.message.get("id")}


def error(error: Any, status: int = 200, **more: Any) -> Callable[[Asked], Any]:
    return lambda asked: (status, {}, {"result": None, "error": error, "id": asked.message.get("id"), **more})


class TestZabbix:
    """Recorded with Zabbix 6.0: a login, host.get, and a call without permission."""

    TOKEN = "0424bd59b807674191e7d77572075f33"

    def answer(self, asked: Asked) -> Any:
        message = asked.message
        key = message.get("id")
        if asked.headers["content-type"] not in ("application/json", "application/json-rpc", "application/jsonrequest"):
            return 412, {}, b""
        if message["method"] in ("apiinfo.version", "user.login"):
            if "auth" in message:
                return self.refuse(-32602, "Invalid params.", 'The "auth" parameter must be omitted.', key)
            known = {"apiinfo.version": "6.0.33", "user.login": self.TOKEN}
            return {"jsonrpc": "2.0", "result": known[message["method"]], "id": key}
        bearer = asked.headers.get("authorization") == f"Bearer {self.TOKEN}"
        if message.get("auth") != self.TOKEN and not bearer:
            return self.refuse(-32602, "Invalid params.", "Not authorised.", key)
        if message["method"] == "host.get":
            return {"jsonrpc": "2.0", "result": [{"hostid": "10084", "host": "Zabbix server"}], "id": key}
        return self.refuse(-32500, "Application error.", "No permissions to call it.", key)

    @staticmethod
    def refuse(code: int, message: str, data: str, id: Any) -> Any:
        return {"jsonrpc": "2.0", "error": {"code": code, "message": message, "data": data}, "id": id}

    @pytest.fixture
    def token(self, tmp_path):
        path = tmp_path / "token"
        path.write_text(self.TOKEN + "\n")
        return path

    def test_a_session_with_the_member_auth(self, canned, token):
        server, client = canned(self.answer, "/api_jsonrpc.php", auth=f"zabbix:file:{token}")
        assert client.call("apiinfo.version") == "6.0.33"
        assert client.call("user.login", username="Admin", password="zabbix") == self.TOKEN
        assert client.call("host.get", output=["host"], limit=3) == [{"hostid": "10084", "host": "Zabbix server"}]
        assert [asked.message.get("auth") for asked in server.asked] == [None, None, self.TOKEN]
        assert "authorization" not in server.asked[2].headers
        assert {asked.path for asked in server.asked} == {"/api_jsonrpc.php"}
        assert all("params" in asked.message for asked in server.asked)

    def test_a_session_with_a_bearer_token(self, canned, token):
        server, client = canned(self.answer, "/api_jsonrpc.php", auth=f"bearer:file:{token}")
        assert client.call("host.get")[0]["hostid"] == "10084"
        assert "auth" not in server.asked[0].message

    def test_the_wire_is_shown_without_the_token(self, canned, token):
        server, _ = canned(self.answer)
        done = rpcctl("call", server.address, "host.get", "--auth", f"zabbix:file:{token}", "-vv")
        assert done.exit_status == 0, done.stderr
        assert '> {"jsonrpc":"2.0","method":"host.get","params":[],"auth":"***","id":1}' in done.stderr
        assert '"hostid": "10084"' in done.stderr
        assert self.TOKEN[:8] not in done.stderr

    def test_the_token_from_a_variable(self, canned, monkeypatch):
        monkeypatch.setenv("ZABBIX_TOKEN", self.TOKEN)
        assert canned(self.answer, auth="zabbix:env:ZABBIX_TOKEN")[1].call("host.get")

    def test_what_is_wrong_stands_in_data(self, canned, token):
        client = canned(self.answer, auth=f"zabbix:file:{token}")[1]
        with pytest.raises(RemoteError, match=r"Application error\. No permissions to call it\.") as caught:
            client.call("host.delete", 1)
        assert caught.value.data == "No permissions to call it."

    def test_the_line_of_the_manual(self, canned, token):
        server, _ = canned(self.answer)
        at = server.address + "/api_jsonrpc.php"
        done = rpcctl("call", at, "host.get", "--params", '{"limit": 3}', "--auth", f"bearer:file:{token}")
        assert done.exit_status == 0, done.stderr
        assert done.json[0]["host"] == "Zabbix server"
        assert server.asked[0].message["params"] == {"limit": 3}

    def test_a_notification_is_answered_with_nothing(self, canned):
        assert canned(lambda asked: (200, {}, b""))[1].cast("x") is None


class TestBitcoind:
    def test_errors_come_with_500_and_a_body(self, canned):
        client = canned(error({"code": -8, "message": "Block height out of range"}, 500))[1]
        with pytest.raises(RemoteError, match="Block height out of range"):
            client.getblockhash(10**9)

    def test_an_unknown_method_comes_with_404(self, canned):
        client = canned(error({"code": -32601, "message": "Method not found"}, 404))[1]
        with pytest.raises(MethodNotFoundError):
            client.nope()

    def test_a_full_queue_is_told_in_plain_text(self, canned):
        client = canned(lambda asked: (503, {}, b"Work queue depth exceeded"))[1]
        with pytest.raises(RemoteProtocolError, match="Work queue depth exceeded"):
            client.getinfo()

    def test_the_cookie_is_read_for_each_connection(self, canned, tmp_path):
        cookie = tmp_path / ".cookie"
        cookie.write_text("__cookie__:s3cret")
        server, client = canned(result(1), "/wallet/main", auth=f"basic:file:{cookie}")
        client.getbalance()
        assert server.asked[0].headers["authorization"] == "Basic X19jb29raWVfXzpzM2NyZXQ="
        assert server.asked[0].path == "/wallet/main"

    def test_no_login_and_the_address_refused(self, canned):
        with pytest.raises(AuthError):
            canned(lambda asked: (401, {"WWW-Authenticate": 'Basic realm="jsonrpc"'}, b""))[1].getinfo()
        with pytest.raises(AuthError, match="403"):
            canned(lambda asked: (403, {}, b""))[1].getinfo()

    def test_amounts_keep_every_digit(self, canned):
        body = b'{"result": 0.10000000000000000001, "error": null, "id": 1}'
        server, client = canned(lambda asked: body, decimal=True)
        assert str(client.getbalance()) == "0.10000000000000000001"
        done = rpcctl("call", server.address, "getbalance", "--decimal")
        assert "0.10000000000000000001" in str(done), done.stderr


class TestAria2:
    def test_the_token_is_the_first_argument(self, canned, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("s3cret")
        server, client = canned(result({"version": "1.36.0"}), "/jsonrpc", auth=f"aria2:file:{secret}")
        client.call("aria2.getVersion")
        client.call("aria2.tellStatus", "gid")
        assert [asked.message["params"] for asked in server.asked] == [["token:s3cret"], ["token:s3cret", "gid"]]

    def test_its_only_code_is_1(self, canned):
        with pytest.raises(MethodNotFoundError):
            canned(error({"code": 1, "message": "No such method: aria2.nope"}, 400))[1].call("aria2.nope")
        with pytest.raises(RemoteError, match="Unauthorized"):
            canned(error({"code": 1, "message": "Unauthorized"}, 400))[1].call("aria2.getVersion")

    def test_methods_are_listed_by_name(self, canned):
        def answer(asked):
            if asked.message["method"] == "system.listMethods":
                return result(["aria2.addUri", "aria2.getVersion"])(asked)
            return error({"code": 1, "message": f"No such method: {asked.message['method']}"}, 400)(asked)

        def answer_each(asked):
            if isinstance(asked.message, list):
                return [answer(asked._replace(message=each))[2] for each in asked.message]
            return answer(asked)

        names = [each.name for each in canned(answer_each)[1].describe().methods]
        assert names == ["aria2.addUri", "aria2.getVersion"]

    def test_a_notification_is_refused_aloud(self, canned):
        with pytest.raises(RemoteError, match="Invalid Request"):
            canned(error({"code": -32600, "message": "Invalid Request."}, 400))[1].cast("aria2.pause")


class TestUbus:
    """OpenWrt's uhttpd: the session is the first argument, and a status stands before the result."""

    NOBODY = "0" * 32
    SESSION = "c1ed6c7b025d0caca723a816fa61b668"

    def answer(self, asked: Asked) -> Any:
        session, thing, method, args = asked.message["params"]
        if (thing, method) == ("session", "login"):
            right = session == self.NOBODY and args == {"username": "root", "password": "s3cret"}
            return result([0, {"ubus_rpc_session": self.SESSION}] if right else [6])(asked)
        if session != self.SESSION:
            return error({"code": -32002, "message": "Access denied"})(asked)
        return result([0, {"hostname": "OpenWrt"}])(asked)

    def test_a_login_then_a_call_with_the_session(self, canned, tmp_path):
        server, client = canned(self.answer, "/ubus")
        login = {"username": "root", "password": "s3cret"}
        status, found = client.call("call", self.NOBODY, "session", "login", login)
        assert status == 0
        (tmp_path / "session").write_text(found["ubus_rpc_session"] + "\n")
        words = ("call", server.address + "/ubus", "call", "system", "board", "{}")
        done = rpcctl(*words, "--auth", f"ubus:file:{tmp_path / 'session'}")
        assert done.json == [0, {"hostname": "OpenWrt"}], done.stderr
        assert server.asked[-1].message["params"] == [self.SESSION, "system", "board", {}]

    def test_a_session_that_is_over(self, canned, tmp_path):
        (tmp_path / "session").write_text("0" * 32)
        with pytest.raises(RemoteError, match="Access denied"):
            canned(self.answer, "/ubus", auth=f"ubus:file:{tmp_path / 'session'}")[1].call(
                "call", "system", "board", {}
            )

    def test_the_session_is_kept_out_of_the_trace(self, canned, tmp_path):
        (tmp_path / "session").write_text(self.SESSION)
        server, _ = canned(self.answer)
        words = ("call", server.address, "call", "system", "board", "{}", "-vv")
        done = rpcctl(*words, "--auth", f"ubus:file:{tmp_path / 'session'}")
        assert done.exit_status == 0, done.stderr
        assert self.SESSION[:8] not in done.stderr


class TestOthers:
    def test_odoo(self, canned):
        data = {
            "name": "odoo.exceptions.AccessDenied",
            "message": "Access Denied",
            "debug": "Traceback …",
            "arguments": [],
        }
        client = canned(error({"code": 200, "message": "Odoo Server Error", "data": data}, id=None), "/jsonrpc")[1]
        with pytest.raises(RemoteError, match="AccessDenied: Access Denied") as caught:
            read_result(
                next(client.send(client.request("call", (), {"service": "common", "method": "login", "args": []})))
            )
        assert caught.value.traceback == "Traceback …"

    def test_odoo_forgets_the_id(self, canned):
        assert canned(lambda asked: {"jsonrpc": "2.0", "id": None, "result": 7})[1].call("call") == 7

    def test_transmission_hands_out_a_session_and_is_asked_again_once(self, canned):
        def answer(asked):
            if asked.headers.get("x-transmission-session-id") != "abc":
                return 409, {"X-Transmission-Session-Id": "abc", "Content-Type": "text/html"}, b"<h1>409: Conflict</h1>"
            return result("ok")(asked)

        server, client = canned(answer, "/transmission/rpc")
        assert client.session_get() == "ok"
        assert client.session_get() == "ok"
        assert len(server.asked) == 3

    def test_a_409_for_ever_is_an_error(self, canned):
        server, client = canned(lambda asked: (409, {"X-Transmission-Session-Id": "abc"}, b"<h1>409</h1>"))
        with pytest.raises(RemoteProtocolError, match="409"):
            client.session_get()
        assert len(server.asked) == 2

    def test_ethereum(self, canned):
        client = canned(error({"code": 3, "message": "execution reverted", "data": "0x08c379a0"}))[1]
        with pytest.raises(RemoteError, match="execution reverted 0x08c379a0"):
            client.eth_call({}, "latest")

    def test_deluge_speaks_a_version_without_marker(self, canned):
        client = canned(error({"message": "Not authenticated", "code": 1}))[1]
        with pytest.raises(RemoteError, match="Not authenticated"):
            client.call("web.connected")

    def test_a_server_that_pushes_notifications_among_its_replies(self, canned):
        client = canned(lambda asked: [{"method": "Player.OnPlay"}, result(1)(asked)])[1]
        assert client.ping_() == 1

    @pytest.mark.parametrize("status", [200, 202, 204])
    def test_notifications_may_be_answered_by_any_success(self, canned, status):
        assert canned(lambda asked: (status, {}, b""))[1].cast("x") is None

    def test_a_batch_that_is_refused_as_a_whole(self, canned):
        client = canned(lambda asked: {"jsonrpc": "2.0", "error": {"code": -32005, "message": "too many"}, "id": None})[
            1
        ]
        replies = client._client.send_batch(
            [client.request("a"), client.request("b", oneway=True), client.request("c")]
        )
        assert [reply and reply.message for reply in replies] == ["too many", None, "too many"]

    def test_a_server_that_takes_no_batches_is_asked_one_by_one(self, canned):
        def answer(asked):
            if isinstance(asked.message, list):
                refusal = {"code": -32600, "message": "Batching is not supported"}
                return 400, {}, {"jsonrpc": "2.0", "error": refusal, "id": None}
            return result(asked.message["method"])(asked) if "id" in asked.message else (202, {}, b"")

        server, client = canned(answer)
        batch = client.batch()
        batch.call("a")
        batch.cast("b")
        batch.call("c")
        assert batch.send() == ["a", None, "c"]
        assert len(server.asked) == 4

    def test_no_server_is_without_a_sign_of_life(self, canned):
        assert canned(error({"code": -32601, "message": "no"}))[1].ping() == ""

    def test_a_server_that_lists_nothing_is_not_described_by_asking_it_again(self, canned):
        client = canned(error({"code": -32602, "message": "Invalid params.", "data": "Not authorised."}))[1]
        with pytest.raises(InvalidArgumentsError, match="Not authorised") as caught:
            client.describe()
        assert caught.value.hint == "a method that is known by name can be called"

    def test_the_hint_names_address_and_method(self, canned):
        client = canned(error({"code": -32602, "message": "Invalid params."}))[1]
        with pytest.raises(InvalidArgumentsError) as caught:
            client.call("host.get")
        assert caught.value.hint == f"rpcctl describe {client.address} host.get shows what it takes"


class TestWrongAnswers:
    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            ((200, {}, b"<html><title>Login</title></html>"), "Login"),
            ((502, {}, b"<html>\n<head><title>502 Bad Gateway</title>"), "<html>"),
            ((200, {}, b"<?xml version='1.0'?><methodResponse/>"), "XML-RPC"),
            ((200, {}, b""), "200"),
            ((204, {}, b""), "204"),
            ((200, {}, b"OK"), "not JSON"),
            ((404, {}, b"nothing here"), "nothing here"),
            ((412, {}, b""), "application/json"),
            ((200, {}, {"detail": "Not Found"}), "neither result nor error"),
            ((200, {}, {"jsonrpc": "2.0", "result": 1, "id": 99}), "the id 99"),
        ],
    )
    def test_each_is_told_for_what_it_is(self, canned, reply, words):
        with pytest.raises(RemoteProtocolError, match=words) as caught:
            canned(lambda asked: reply)[1].x()
        assert caught.value.exit_code == 8

    @pytest.mark.parametrize("scheme", ["", "jsonrpc+"])
    def test_the_other_protocol_comes_with_an_address_for_it(self, canned, scheme):
        plain = str(canned(lambda asked: (200, {}, b"<?xml version='1.0'?><methodResponse/>"))[1].address)
        with Connection(scheme + plain) as client, pytest.raises(RemoteProtocolError) as caught:
            client.x()
        assert caught.value.hint == f"xmlrpc+{plain}"

    def test_the_connection_goes_on_after_it(self, canned):
        replies: Any = iter([(200, {}, b"OK"), (200, {}, {"result": 5, "id": 2})])
        client = canned(lambda asked: next(replies))[1]
        with pytest.raises(RemoteProtocolError):
            client.x()
        assert client.x() == 5


class TestIds:
    @pytest.mark.parametrize(
        ("given", "sent"),
        [(None, [1, 2]), ("7", [7, 8]), ("-1", [-1, 0]), ("abc", ["abc", "abc"]), ("1.5", ["1.5", "1.5"])],
    )
    def test_they_count_from_the_first_or_stay(self, canned, given, sent):
        server, client = canned(result(1), id=given)
        client.x()
        client.x()
        assert [asked.message["id"] for asked in server.asked] == sent

    def test_an_empty_one_is_a_mistake(self, canned):
        with pytest.raises(UsageError, match="--id"):
            canned(result(1), id="")

    def test_calls_that_share_a_text_are_not_sent_as_a_batch(self, canned):
        server, client = canned(result(1), id="abc")
        assert len(client._client.send_batch([client.request("x"), client.request("y")])) == 2
        assert [asked.message["method"] for asked in server.asked] == ["x", "y"]


class TestVersions:
    def test_1_0_has_no_named_arguments(self, canned):
        server, client = canned(result(1), jsonrpc="1.0")
        with pytest.raises(ArgumentError, match="colour="):
            client.x(colour="red")
        assert server.asked == []

    def test_1_0_is_spoken_when_asked_for(self, canned):
        server, client = canned(error(None, jsonrpc=None), jsonrpc="1.0")
        client.x(1)
        client.cast("x")
        assert [asked.message for asked in server.asked] == [
            {"method": "x", "params": [1], "id": 1},
            {"method": "x", "params": [], "id": None},
        ]

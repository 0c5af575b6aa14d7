"""What a server says of itself: OpenRPC documents, both ways, and the system.* trio."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from rpcctl import openrpc
from rpcctl.messages import REQUIRED, Description, MethodDescription, Parameter
from rpcctl.protocols.jsonrpc import discovery
from tests.codec.jsonrpc_methods import ask, call

SCHEMAS = [json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "openrpc").glob("*.json"))]
REGISTRY: Registry[Any] = Registry().with_resources(
    (uri, DRAFT7.create_resource(schema)) for schema in SCHEMAS for uri in (schema["$id"], schema["$id"].rstrip("/"))
)
OPENRPC = Draft7Validator(next(each for each in SCHEMAS if "open-rpc" in each["$id"]), registry=REGISTRY)
"""The official meta-schema."""


class TestDiscovery:
    METHODS = {"add": lambda a, b: a + b}  # noqa: RUF012

    def ask(self, method, *params):
        return json.loads(ask(call(method, *params), methods=self.METHODS))

    def test_names(self):
        assert self.ask("system.listMethods")["result"] == [
            "add",
            "rpc.discover",
            "system.listMethods",
            "system.methodHelp",
            "system.methodSignature",
        ]

    def test_help_and_signature(self):
        assert self.ask("system.methodHelp", "add")["result"] == ""
        assert self.ask("system.methodSignature", "add")["result"] == [["any", "any", "any"]]
        assert self.ask("system.methodHelp", "system.listMethods")["result"]

    @pytest.mark.parametrize("params", [(), ("a", "b"), ("nope",), (1,), ([],)])
    def test_wrong_questions_are_errors(self, params):
        assert "error" in self.ask("system.methodHelp", *params)

    def test_the_document_is_openrpc(self):
        document = self.ask("rpc.discover")["result"]
        check_openrpc(document)
        assert document["info"]["title"] == "fixture"
        assert [each["name"] for each in document["methods"]] == ["add"]


def check_openrpc(document):
    """What the schema of OpenRPC 1.3.2 requires of a document, and what its text requires beyond."""
    OPENRPC.validate(json.loads(json.dumps(document, allow_nan=False)))
    assert document["openrpc"] == "1.3.2"
    names = [each["name"] for each in document["methods"]]
    assert len(set(names)) == len(names)
    for method in document["methods"]:
        required = [each["required"] for each in method["params"]]
        assert required == sorted(required, reverse=True), "required parameters come first"
        parameters = [each["name"] for each in method["params"]]
        assert len(set(parameters)) == len(parameters)


@pytest.mark.parametrize(
    "wrong", [{"openrpc": "9"}, {"info": {"title": "x"}}, {"methods": [{"name": 1, "params": []}]}, {"more": 1}]
)
def test_the_schema_tells_wrong_documents(wrong):
    document = openrpc.to_document(DESCRIPTION)
    assert not OPENRPC.is_valid({**document, **wrong})


DESCRIPTION = Description(
    "calc",
    (
        MethodDescription(
            "f",
            (
                Parameter("a", "positional", type="int"),
                Parameter("b", "either", 2, "list[dict[str, float]]"),
                Parameter("rest", "rest"),
                Parameter("c", "named", type="int | None"),
                Parameter("d", "named", {"k": [1, None]}),
                Parameter("more", "more"),
            ),
            "dict[str, int]",
            "First line.\n\nMore.",
        ),
        MethodDescription("unknown", None),
        MethodDescription("none", (), stream=True, exact=False),
        MethodDescription("odd", (Parameter("x", default=float("nan")), Parameter("y", default={1: b"z"}))),
    ),
    "A calculator.",
)


class TestOpenRPC:
    def test_the_document_is_valid(self):
        check_openrpc(openrpc.to_document(DESCRIPTION))

    def test_a_description_comes_back_as_it_went(self):
        found: Any = openrpc.from_document(json.loads(json.dumps(openrpc.to_document(DESCRIPTION))))
        assert found.methods[:3] == DESCRIPTION.methods[:3]
        assert (found.name, found.doc) == ("calc", "A calculator.")
        assert [each.default for each in found.methods[3].parameters] == ["nan", "{1: b'z'}"]

    def test_a_foreign_document(self):
        found = openrpc.from_document(
            {
                "openrpc": "1.2.6",
                "info": {"title": "node", "version": "1"},
                "methods": [
                    {
                        "name": "get",
                        "summary": "Get it.",
                        "params": [
                            {"name": "hash", "required": True, "schema": {"type": "string"}},
                            {"name": "full", "schema": {"type": ["boolean", "null"]}},
                            {"$ref": "#/components/x"},
                        ],
                        "result": {"name": "block", "schema": {"type": "object"}},
                    }
                ],
            }
        )
        method: Any = found.find("get")
        assert method.signature() == "(hash: str, full: bool | None = None, ?=None) -> dict"
        assert method.doc == "Get it."
        assert method.parameters[0].default is REQUIRED

    @pytest.mark.parametrize(
        "found",
        [None, 1, [], {}, {"methods": 3}, {"methods": [1, {}, {"name": 3}]}, {"methods": [{"name": "x", "params": 1}]}],
    )
    def test_nonsense_is_read_as_far_as_it_goes(self, found):
        assert isinstance(openrpc.from_document(found), Description)

    @pytest.mark.parametrize(
        ("type_", "schema"),
        [
            ("int", {"type": "integer"}),
            ("list[str]", {"type": "array", "items": {"type": "string"}}),
            (
                "dict[str, list[int]]",
                {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}},
            ),
            ("int | None", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
            ("Optional[int]", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
            ("Any", {}),
            ("", {}),
            ("list[" * 50, {}),
            ("a.b.C[int", {}),
        ],
    )
    def test_schemas(self, type_, schema):
        assert openrpc.schema_of(type_) == schema

    def test_what_other_servers_tell_in_parts(self):
        found = discovery.from_parts("f", " Help. ", [["int", "string"], ["int"]])
        assert (found.doc, found.signature()) == ("Help.", "(arg1: string, /) -> int")
        assert discovery.from_parts("f", None, "signatures not supported").signature() == "(...)"
        assert discovery.from_parts("f", " Adds.\n\n        @param a\n        ", None).doc == "Adds.\n\n@param a"

"""The page for people: names, signatures and docs, and nothing that a docstring could smuggle in."""

from html.parser import HTMLParser

from rpcctl.http.page import render
from rpcctl.messages import Description, MethodDescription, Parameter

EXAMPLES = ("rpcctl call 'http://h/<b>'", "curl -d '<i>'")
NASTY = '<script>alert("1")</script>&amp;\'"'


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.names: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def read(description: Description) -> Reader:
    reader = Reader()
    reader.feed(render(description, "line", EXAMPLES).decode())
    return reader


def test_it_shows_methods_with_signatures_and_docs():
    add = MethodDescription("add", (Parameter("a", type="int"), Parameter("b", default=2)), "int", "Add two.\n\nBoth.")
    page = read(Description("calc", (add, MethodDescription("math.sqrt")), "A calculator."))
    for text in (
        "calc",
        "A calculator.",
        "add(a: int, b=2) -> int",
        "Add two.\n\nBoth.",
        "math.sqrt(...)",
        "over line",
        *EXAMPLES,
    ):
        assert text in page.text
    assert "viewport" in render(Description("x", ()), "line").decode()


def test_nothing_in_it_is_taken_for_html():
    page = read(Description(NASTY, (MethodDescription(NASTY, (Parameter(NASTY),), NASTY, NASTY),), NASTY))
    assert page.text.count(NASTY) >= 6
    assert not {"script", "img", "link"} & set(page.tags)
    assert page.names <= {"lang", "charset", "name", "content", "href", "id"}

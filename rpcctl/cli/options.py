"""The options that several commands share, as data; each protocol declares its own in INFO.

A command's module lists those it takes. Spelled as curl, httpie and grpcurl spell them.
"""

from rpcctl.interfaces import Option

PROTO = Option("proto", "protocol, where the address leaves it open", "PROTOCOL", panel="Connection")
TIMEOUT = Option(
    "timeout",
    "longest wait for the first reply; off for no limit",
    "SECONDS",
    "seconds_or_off",
    30.0,
    panel="Connection",
)
CONNECT_TIMEOUT = Option(
    "connect-timeout", "longest wait for the connection", "SECONDS", "seconds_or_off", 5.0, panel="Connection"
)
MAX_TIME = Option(
    "max-time", "longest time for the whole call, a stream included", "SECONDS", "seconds_or_off", panel="Connection"
)
ITEM_TIMEOUT = Option(
    "item-timeout", "longest wait between two items of a stream", "SECONDS", "seconds_or_off", panel="Connection"
)
RETRY = Option(
    "retry", "further tries when the connection fails; a call is never repeated", "N", "integer", 0, panel="Connection"
)
RETRY_DELAY = Option("retry-delay", "pause between two tries", "SECONDS", "seconds", 1.0, panel="Connection")
MAX_MESSAGE = Option(
    "max-message",
    "largest message sent or taken in, as 512K or 64M",
    "SIZE",
    "size",
    64 * 1024 * 1024,
    panel="Connection",
)
PASSWORD = Option(
    "password",
    "where the password of the address is kept: env:NAME, file:PATH or cmd:COMMAND",
    "PLACE",
    secret=True,
    panel="Connection",
)
EXPLAIN = Option(
    "explain", "tell where each value came from, and do nothing", type="switch", variable=False, panel="Connection"
)
CONNECT = (PROTO, TIMEOUT, CONNECT_TIMEOUT, MAX_TIME, RETRY, RETRY_DELAY, MAX_MESSAGE, PASSWORD, EXPLAIN)

JSON_ARGS = Option(
    "json-args", "every word of the arguments is strict JSON", type="switch", short="-j", panel="How arguments are read"
)
RAW_ARGS = Option("raw-args", "every word is text, exactly as typed", type="switch", panel="How arguments are read")
PARAMS = Option("params", "all arguments as one JSON array or object", "JSON|@FILE|@-", panel="How arguments are read")
TYPED = Option(
    "typed",
    "read the words as the method's signature says; asks the server first",
    type="switch",
    panel="How arguments are read",
)
ARGUMENTS = (JSON_ARGS, RAW_ARGS, PARAMS, TYPED)

DRY_RUN = Option(
    "dry-run", "print what would be sent, decoded and as bytes, and send nothing", type="switch", panel="Output"
)
AS = Option(
    "as",
    "print the call as a curl command, or as a Python script for the wire's own library, and send nothing",
    "FORM",
    "choice",
    choices=("curl", "python"),
    variable=False,
    panel="Output",
)
PREVIEWS = (DRY_RUN, AS)

FORMATS = ("auto", "json", "ndjson", "yaml", "table", "csv", "raw", "repr")
FORMAT = Option(
    "format", "how results are printed", "FORMAT", "choice", "auto", short="-f", choices=FORMATS, panel="Output"
)
JSON = Option("json", "the same as --format json; errors become JSON too", type="switch", panel="Output")
RAW_OUTPUT = Option(
    "raw-output", "a text result without quotes, bytes as bytes", type="switch", short="-r", panel="Output"
)
OUTPUT = Option("output", "write results to this file, whole or not at all", "FILE", short="-o", panel="Output")
SELECT = Option(
    "select", "print what this JMESPath expression chooses of each result, as 'items[].name'", "EXPR", panel="Output"
)
VERBOSE = Option(
    "verbose", "show the exchange on stderr; twice: its bytes too", type="count", default=0, short="-v", panel="Output"
)
QUIET = Option("quiet", "print results and errors, nothing else", type="switch", short="-q", panel="Output")
COLOR = Option(
    "color", "colours and layout", "WHEN", "choice", "auto", choices=("auto", "always", "never"), panel="Output"
)
TRACEBACK = Option("traceback", "show where in rpcctl an error arose", type="switch", panel="Output")
MESSAGES = (JSON, VERBOSE, QUIET, COLOR, TRACEBACK)
RESULTS = (FORMAT, RAW_OUTPUT, SELECT, OUTPUT, *MESSAGES)

ONLY = Option(
    "only", "expose only the names that match", "GLOB", multiple=True, variable=False, panel="What is exposed"
)
EXCEPT = Option(
    "except", "leave out the names that match", "GLOB", multiple=True, variable=False, panel="What is exposed"
)
CLASSES = Option("classes", "classes too, as constructors", type="switch", panel="What is exposed")
CONSTANTS = Option(
    "constants", "plain data too, read by a call without arguments", type="switch", panel="What is exposed"
)
WRITABLE = Option(
    "writable", "properties can be set, by a call with one argument", type="switch", panel="What is exposed"
)
AS_CLASS = Option(
    "class",
    "serve a class itself, its static and class methods, without an instance",
    type="switch",
    panel="What is exposed",
)
PREFIX = Option(
    "prefix", "text put before every name, with a dot; empty for none", "TEXT", variable=False, panel="What is exposed"
)
DEPTH = Option("depth", "levels of submodules to walk", "N", "integer", 0, panel="What is exposed")
APP_DIR = Option("app-dir", "folder in which targets are looked for first", "DIR", default="", panel="What is exposed")
SELECTION = (ONLY, EXCEPT, CLASSES, CONSTANTS, WRITABLE, AS_CLASS, PREFIX, DEPTH, APP_DIR)

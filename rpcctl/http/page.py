"""What a server offers as a plain HTML page: no script, nothing loaded from elsewhere, readable on a phone."""

from collections.abc import Sequence
from html import escape

from rpcctl.messages import Description, MethodDescription

HTML = "text/html; charset=utf-8"
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem;color:#222;background:#fff}"
    "h1{font-size:1.4rem}h2{font:1rem/1.4 ui-monospace,monospace;margin:1.5rem 0 0;overflow-wrap:anywhere}"
    "h2 b{font-weight:700}pre{font:.9rem/1.4 ui-monospace,monospace;margin:.3rem 0 0;white-space:pre-wrap;"
    "overflow-wrap:anywhere;color:#444}a{color:inherit}nav{overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{color:#aaa}}"
)


def render(description: Description, protocol: str, examples: Sequence[str] = ()) -> bytes:
    """The page, with command lines that call a method; every text in it is escaped."""
    name = escape(description.name or "rpcctl")
    methods = description.methods
    count = f"{len(methods)} {'method' if len(methods) == 1 else 'methods'}"
    links = " ".join(f'<a href="#{escape(each.name)}">{escape(each.name)}</a>' for each in methods)
    about = f"<pre>{escape(description.doc.strip())}</pre>\n" if description.doc.strip() else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n{about}"
        f"<p>{count}, over {escape(protocol)}. Calls are POSTed to this address:</p>\n"
        f"{''.join(f'<pre>{escape(each)}</pre>' for each in examples)}\n<nav>{links}</nav>\n"
        f"{''.join(map(_render_method, methods))}</body>\n</html>\n"
    ).encode("utf-8", "replace")


def _render_method(method: MethodDescription) -> str:
    name, signature = escape(method.name), escape(method.signature())
    doc = f"<pre>{escape(method.doc.strip())}</pre>\n" if method.doc.strip() else ""
    return f'<h2 id="{name}"><b>{name}</b>{signature}</h2>\n{doc}'

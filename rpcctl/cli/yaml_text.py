"""Values to YAML 1.1, as PyYAML writes it: safe types, keys in their order, text of several lines as a block. Pure.

Bytes are `!!binary` and NaN is `.nan`: what JSON lacks, YAML has. Anchors are never written.
"""

from collections.abc import Mapping
from typing import Any

import yaml

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_ENDLESS = 1 << 30
"""A line is broken only where the text has its own breaks."""


class _Writer(_Dumper):  # type: ignore[misc]  # the one in C has no types
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _write_text(writer: Any, value: str) -> Any:
    # UTF-8, and so YAML, has no form for half a surrogate pair.
    text = value.encode("utf-8", "backslashreplace").decode()
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Writer.add_representer(str, _write_text)
_Writer.add_multi_representer(str, _write_text)
_Writer.add_multi_representer(bytearray, lambda writer, value: writer.represent_binary(bytes(value)))
_Writer.add_multi_representer(memoryview, lambda writer, value: writer.represent_binary(bytes(value)))
_Writer.add_multi_representer(Mapping, lambda writer, value: writer.represent_dict(dict(value).items()))
_Writer.add_multi_representer(tuple, lambda writer, value: writer.represent_list(value))


def write(value: Any, *, document: bool = False) -> str:
    """The value as YAML; as a document of its own, which may follow others, with `document`."""
    text: str = yaml.dump(
        value,
        Dumper=_Writer,
        allow_unicode=True,
        sort_keys=False,
        explicit_start=document,
        width=_ENDLESS,
        default_flow_style=False,
    )
    # The mark after a lone scalar says that nothing follows; where something does, it begins with its own.
    return text.removesuffix("...\n")

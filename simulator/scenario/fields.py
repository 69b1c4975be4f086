"""The kinds of value a scenario file is written with, each refusing with a sentence that says what it expects.

Numbers, truth values and text are taken strictly: YAML has types of its own, and a ``"3"`` or a ``yes`` that is
quietly turned into something else is how scenario files come to lie.
"""

import re
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema

from zdu.durations import Duration

_VERSION = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9._+-]{0,59}")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NODE = re.compile(r"[A-Za-z0-9_-]{1,60}")


class Section(BaseModel):
    """A mapping of a scenario file: unknown keys are mistakes, and nothing changes once it is read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True, hide_input_in_errors=True
    )


def _read_version(value: object) -> str:
    if isinstance(value, str) and _VERSION.fullmatch(value):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = f"the number {value}, which is what YAML takes it for without quotes"
    else:
        found = repr(value)
    raise ValueError(f'expected a version in quotes, such as "7.3.0", not {found}')


def _read_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"expected small letters, digits and single hyphens, such as three-nodes, not {value!r}")
    return value


def _read_address(value: str) -> str:
    split_address(value)
    return value


def split_address(value: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:8080``, ``localhost:0`` or ``[::1]:8080``. Raises ValueError with a sentence."""
    host, colon, port = value.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not (colon and host and port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise ValueError(f"expected host:port, such as 127.0.0.1:8080 (port 0 takes any free one), not {value!r}")
    if ":" in host and not bracketed:
        raise ValueError(f"expected an IPv6 address in brackets, such as [::1]:8080, not {value!r}")
    return (host[1:-1] if bracketed else host), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _read_node_choice(value: object) -> object:
    if value == "all" or isinstance(value, list | tuple):
        return value
    raise ValueError(f"expected all, or a list of nodes such as [node1, node2], not {value!r}")


def _read_node_name(value: str) -> str:
    if not _NODE.fullmatch(value):
        raise ValueError(f"expected the name of a node, such as node1, not {value!r}")
    return value


Text = Annotated[str, Strict()]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
PositiveDuration = Annotated[Duration, Field(gt=0)]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
Version = Annotated[
    str, BeforeValidator(_read_version), WithJsonSchema({"type": "string", "pattern": rf"^{_VERSION.pattern}$"})
]
ScenarioName = Annotated[
    str,
    Strict(),
    AfterValidator(_read_name),
    WithJsonSchema({"type": "string", "pattern": rf"^{_NAME.pattern}$"}),
]
Address = Annotated[str, Strict(), AfterValidator(_read_address)]
NodeName = Annotated[str, Strict(), AfterValidator(_read_node_name)]
_NodeList = Annotated[tuple[NodeName, ...], Field(min_length=1)]
NodeChoice = Annotated[
    Literal["all"] | _NodeList,
    BeforeValidator(_read_node_choice),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "all"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]

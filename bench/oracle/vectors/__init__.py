"""All vectors by family."""

from collections.abc import Mapping

from bench.oracle.case import Vector
from bench.oracle.vectors import fields, framing, targets

FAMILIES: Mapping[str, tuple[Vector, ...]] = {
    "Framing": framing.VECTORS,
    "Header fields": fields.VECTORS,
    "Request line and Host": targets.VECTORS,
}

"""A configuration as the file from which an administrator could start the process again."""

import io
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML


def as_yaml(config: BaseModel) -> str:
    """The configuration as a file that a person can read, change and start the process with again."""
    text = io.StringIO()
    data: dict[str, Any] = config.model_dump(mode="json")
    YAML(typ="safe", pure=True).dump(data, text)
    return text.getvalue()

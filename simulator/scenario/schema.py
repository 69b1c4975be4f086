"""The scenario language as a JSON Schema, for editors."""

from typing import Any

from simulator.scenario.model import Scenario
from simulator.scenario.steps import ACTIONS


def json_schema() -> dict[str, Any]:
    """The schema of a scenario file. What only shows between several values (see coherence) is not in it."""
    schema = Scenario.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "zdu scenario"
    step = schema["$defs"]["Step"]
    expect = schema["properties"]["expect"]
    short = {"type": "array", "items": {"type": "string"}}
    schema["properties"]["expect"] = {
        **{key: value for key, value in expect.items() if key != "$ref"},
        "anyOf": [{"$ref": "#/$defs/Expectations"}, short],
    }
    step["oneOf"] = [{"required": [action]} for action in ACTIONS]
    return schema

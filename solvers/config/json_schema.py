"""The JSON schema of config files, by which editors complete keys and underline mistakes."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from .boundary_tables import all_faces, one_face
from .tables import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FACE = "Boundary"
LIMITS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a config file.

    It knows keys, types, ranges and choices. What formulas say, and whether settings fit each other, only
    `amrax validate` finds out.
    """
    made = Config.model_json_schema(schema_generator=_ForToml)
    reference = f"#/$defs/{FACE}"
    made["$defs"][FACE] = one_face(reference)
    made["$defs"]["DomainTable"]["properties"]["boundary"] |= all_faces(reference)
    return {"$schema": DIALECT, **_tidied(made), "title": "Amrax config"}


def _tidied(part: Any) -> Any:
    """With the limits of values that have a validator of their own in the words of JSON schema, and names checked."""
    if isinstance(part, list):
        return [_tidied(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {LIMITS.get(key, key): _tidied(value) for key, value in part.items()}
    return found | {"additionalProperties": False} if "patternProperties" in found else found


class _ForToml(GenerateJsonSchema):
    """Leaves out what TOML does not have (null), and titles, which only say the key once more."""

    def nullable_schema(self, schema):
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema):
        found = super().default_schema(schema)
        if found.get("default", 0) in (None, [], {}) or isinstance(found.get("default"), dict):
            found.pop("default")
        return found

    def field_title_should_be_set(self, schema) -> bool:
        return False

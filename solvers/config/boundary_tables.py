"""What a config may say about a face of the domain: a name, or a table with a type and the keys of that type."""

from typing import Any

OWN = "module:name"  # stands for all boundaries of the user's own
PLAIN = ("periodic", "outflow", "wall", "symmetry")  # these have no keys, and their name is enough
# The keys of each kind of table; by_variable has names of variables.
KEYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(PLAIN, ()),
    "dirichlet": ("value",),
    "inflow": ("value",),
    "neumann": ("slope",),
    "robin": ("a", "b", "value"),
    "split": ("where", "inside", "outside"),
    "no_slip": ("velocity", "temperature"),
    "function": ("name",),
    "by_variable": (),
    OWN: ("arguments",),
}
OPTIONAL = {("robin", "value"), ("no_slip", "velocity"), ("no_slip", "temperature"), (OWN, "arguments")}
NAMES = (*PLAIN, "no_slip", OWN)  # what needs no table
EXAMPLES = {
    "dirichlet": "value = 1.0",
    "inflow": "value = 1.0",
    "neumann": "slope = 0.0",
    "robin": "a = 1.0, b = 0.1, value = 0.0",
    "split": 'where = "x < 1", inside = "wall", outside = "outflow"',
    "no_slip": "velocity = [1.0, 0.0], temperature = 1.0",
    "function": "name = 'module:function'",
    "by_variable": 'pressure = .., rest = "outflow"',
}

REFERENCE = {"type": "string", "pattern": ":", "description": "your own, as 'module:name'"}
_FORMULA = {"type": ["number", "string"]}
_VALUES = {"anyOf": [_FORMULA, {"type": "object", "additionalProperties": _FORMULA}]}
_FORMS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("value", "slope"), _VALUES),
    **dict.fromkeys(("a", "b", "where", "temperature"), _FORMULA),
    "name": {"type": "string"},
    "velocity": {"anyOf": [_FORMULA, {"type": "array", "items": _FORMULA, "minItems": 1, "maxItems": 3}]},
    "arguments": {"type": "object", "additionalProperties": {"type": ["number", "string", "boolean"]}},
}


def one_face(itself: str) -> dict[str, Any]:
    """The JSON schema of what is said about one face; `itself` is the reference by which it contains itself."""
    name = {
        "enum": [kind for kind in NAMES if kind != OWN],
        "description": "a name, or a table such as {type = 'dirichlet', value = 1.0}",
    }
    return {"anyOf": [name, REFERENCE, *(_table(kind, {"$ref": itself}) for kind in KEYS)]}


def all_faces(face: str) -> dict[str, Any]:
    """The JSON schema of `domain.boundary`; `face` is the reference to that of one face."""
    one = {"$ref": face}
    pair = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
    each = {"type": "array", "items": {"anyOf": [one, pair]}, "minItems": 1, "maxItems": 3}
    text = "one boundary for all faces, or a list with one, or a pair [lower, upper], for each dimension"
    return {"description": text, "anyOf": [one, each]}


def _table(kind: str, face: dict[str, Any]) -> dict[str, Any]:
    keys = {key: _FORMS.get(key, face) for key in KEYS[kind]}
    return {
        "type": "object",
        "properties": {"type": REFERENCE if kind == OWN else {"const": kind}, **keys},
        "required": ["type", *(key for key in keys if (kind, key) not in OPTIONAL)],
        "additionalProperties": face if kind == "by_variable" else False,
    }

"""Signatures of classes that have none in the source: those of Equinox are made of their fields."""

import ast
from collections.abc import Iterator

from griffe import Attribute, Class, Extension, Function, Module, Parameter, ParameterKind, Parameters


class EquinoxFields(Extension):
    """Gives classes without `__init__` the one that Equinox makes."""

    def on_package(self, *, pkg, **_):
        for module in modules(pkg):
            for found in module.classes.values():
                if not found.is_alias and "__init__" not in found.all_members and fields(found):
                    found.set_member("__init__", constructor(found))


def modules(package: Module) -> Iterator[Module]:
    """Those of a package and of the packages in it."""
    for module in package.modules.values():
        if not module.is_alias:
            yield module
            yield from modules(module)


def fields(found: Class) -> dict[str, Parameter]:
    """The fields of a class and of the classes that it comes from, as arguments."""
    arguments = {}
    for owner in [*reversed(mro(found)), found]:
        for name, member in owner.members.items():
            if member.is_attribute and is_field(member):
                text = str(member.value) if member.value is not None else None
                arguments[name] = Parameter(name, kind=ParameterKind.positional_or_keyword, default=default(text))
    return arguments


def is_field(member: Attribute) -> bool:
    """Whether an attribute is an argument: not what belongs to the class, or what subclasses have to say."""
    of_class = "class-attribute" in member.labels and "instance-attribute" not in member.labels
    return (
        member.annotation is not None
        and not of_class
        and "property" not in member.labels
        and "eqx.Abstract" not in str(member.annotation)
        and "init=False" not in str(member.value)
    )


def default(text: str | None) -> str | None:
    """What stands for a field that is left out; `eqx.field(..)` may hide it."""
    node = ast.parse(text).body[0].value if text else None
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("field"):
        return next((ast.unparse(part.value) for part in node.keywords if part.arg == "default"), None)
    return text


def mro(found: Class) -> list[Class]:
    try:
        return found.mro()
    except ValueError:
        return []


def constructor(found: Class) -> Function:
    self = Parameter("self", kind=ParameterKind.positional_or_keyword)
    return Function("__init__", parent=found, parameters=Parameters(self, *fields(found).values()))

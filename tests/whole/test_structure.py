"""What the plan of the house asks for, beyond the contracts of import-linter: see CONTRIBUTING.md."""

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = sorted(path.relative_to(ROOT) for package in ("amr", "solvers") for path in (ROOT / package).rglob("*.py"))
TREES = {room: ast.parse((ROOT / room).read_text(encoding="utf-8")) for room in ROOMS}
LARGEST, MEDIAN, PARAMETERS = 450, 130, 7
# What users call with keywords, each of which they may leave out.
OF_USERS = {"run", "resume", "plot", "plot_line", "plot_slices", "movie", "render", "write", "Simulation.__init__"}
# Words of the loops over the tree and of how pools lie in memory, which only the grid knows.
LOOPS = {"apart", "sweep", "sweeps", "lanes", "arranged", "gather", "put_patches", "take_patches", "Layout"}
# What physics knows nothing of besides.
TREE = {"put", "room_of", "Topology", "Forest"}
PHYSICS = ("solvers/equations", "solvers/integrators", "solvers/schemes")
# Kinds that only the wing that has them tells apart.
KINDS = {
    "solvers/equations": {
        "Advection",
        "Diffusion",
        "Euler",
        "ShallowWater",
        "Burgers",
        "Acoustics",
        "AtRest",
        "Diffusing",
    },
    "solvers/integrators": {"Integrator", "RKL2", "Implicit", "Splitting", "SSPRK2", "ForwardEuler"},
    "amr/grid": {
        "Periodic",
        "Outflow",
        "Wall",
        "Dirichlet",
        "Neumann",
        "Robin",
        "GhostFunction",
        "Split",
        "ByVariable",
    },
}


def wing(room: Path) -> str:
    return "/".join(room.parts[:2])


def test_rooms_are_small():
    lengths = {room: len((ROOT / room).read_text(encoding="utf-8").splitlines()) for room in ROOMS}
    assert {room: length for room, length in lengths.items() if length > LARGEST} == {}
    assert statistics.median(lengths.values()) <= MEDIAN


def functions(tree: ast.Module):
    """All functions with their names, those of classes with that of the class before."""
    for node in ast.walk(tree):
        owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for part in getattr(node, "body", []) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) else []:
            if isinstance(part, ast.FunctionDef):
                yield owner + part.name, part


@pytest.mark.parametrize("package", ["amr", "solvers"])
def test_functions_take_few_parameters(package):
    found = {}
    for room in (room for room in ROOMS if room.parts[0] == package):
        for name, function in functions(TREES[room]):
            given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            count = len([part for part in given if part.arg not in ("self", "cls")])
            if count > PARAMETERS and not {name, name.split(".")[-1]} & OF_USERS:
                found[f"{room}:{name}"] = count
    assert found == {}


def words(tree: ast.Module) -> set[str]:
    """Names, attributes and what is imported."""
    nodes = list(ast.walk(tree))
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return imported | attributes | {node.id for node in nodes if isinstance(node, ast.Name)}


def test_only_the_grid_knows_loops_and_layouts():
    assert set().union(*(words(TREES[room]) for room in ROOMS if wing(room) == "amr/grid")) >= LOOPS
    assert {
        str(room): found for room in ROOMS if wing(room) != "amr/grid" and (found := words(TREES[room]) & LOOPS)
    } == {}


def test_physics_knows_no_tree():
    """It sees parts of a grid."""
    assert {str(room): found for room in ROOMS if wing(room) in PHYSICS and (found := words(TREES[room]) & TREE)} == {}


@pytest.mark.parametrize("owner", KINDS)
def test_kinds_are_told_apart_by_their_own_wing(owner):
    found = []
    for room in (room for room in ROOMS if wing(room) != owner):
        for node in ast.walk(TREES[room]):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("isinstance", "issubclass")
            ):
                asked = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
                asked |= {part.attr for part in ast.walk(node.args[1]) if isinstance(part, ast.Attribute)}
                if asked & KINDS[owner]:
                    found.append(f"{room}:{node.lineno} {sorted(asked & KINDS[owner])}")
    assert found == []


def test_a_name_of_a_class_means_one_thing():
    """Two classes may have one name where users have them by different names of packages."""
    found: dict[str, list[str]] = {}
    for room in ROOMS:
        for node in TREES[room].body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(str(room))
    twice = {name: rooms for name, rooms in found.items() if len(rooms) > 1}
    assert twice == {"Line": ["amr/field/line.py", "solvers/records/measures.py"]}

"""What the plan of the house asks for, beyond the contracts of import-linter: see CONTRIBUTING.md."""

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = sorted(path.relative_to(ROOT) for package in ("amr", "solvers") for path in (ROOT / package).rglob("*.py"))
TREES = {room: ast.parse((ROOT / room).read_text(encoding="utf-8")) for room in ROOMS}
LARGEST, MEDIAN, PARAMETERS = 450, 130, 7
# What users call with keywords, each of which they may leave out.
OF_USERS = {"run", "resume", "plot", "plot_slices", "movie", "render", "write", "Simulation.__init__"}
# Words of the loops over the tree, which physics knows nothing of.
LOOPS = {"apart", "sweep", "gather", "put", "put_patches", "take_patches", "room_of", "Layout", "Topology", "Forest"}
PHYSICS = ("equations", "integrators", "schemes")
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


@pytest.mark.parametrize("name", PHYSICS)
def test_physics_knows_no_loops(name):
    """It sees parts of a grid, and leaves the loops over them to the grid."""
    found = {}
    for room in (room for room in ROOMS if wing(room) == f"solvers/{name}"):
        words = {node.id for node in ast.walk(TREES[room]) if isinstance(node, ast.Name)}
        words |= {
            alias.name for node in ast.walk(TREES[room]) if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        if words & LOOPS:
            found[str(room)] = words & LOOPS
    assert found == {}


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

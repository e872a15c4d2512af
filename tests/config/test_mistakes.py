"""The mistakes that people make, through the real command: each is told with file, line, key, what and what instead."""

import re

import pytest
from click.testing import CliRunner

from solvers.command.cli import main

CONFIG = """\
[domain]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
boundary = "periodic"
[mesh]
cells = [16, 16]
patch = 8
max_level = 1
[equation]
velocity = [1.0, 0.5]
[initial]
phi = "exp(-((x - 0.5) / 0.1)**2)"
[scheme]
limiter = "mc"
[refine]
difference = {above = 0.1}
[time]
end = 1.0
[output]
every = 0.5
derived = {twice = "2*phi"}
[checkpoint]
keep = 2
"""
PHI = '"exp(-((x - 0.5) / 0.1)**2)"'
MODULE = """\
def raises(x, y):
    raise KeyError("no luck")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "amrax_test_mistakes.py").write_text(MODULE)
    (tmp_path / "case.toml").write_text(CONFIG)
    return tmp_path


def told(*arguments):
    """What the command says about mistakes, and that it says nothing else."""
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    assert done.stdout == ""
    return done.stderr


MISTAKES = [
    ("patch = 8", "pach = 8", "7: mesh.pach", ["unknown key; did you mean patch?"]),
    ("[mesh]", "[mehs]", "5: mehs", ["unknown table; did you mean mesh?"]),
    ("patch = 8", "patch = [8]", "7: mesh.patch", ["found [8], expected an even number of cells"]),
    ("max_level = 1", 'max_level = "one"', "8: mesh.max_level", ['found "one", expected a whole number, 0 or more']),
    ("end = 1.0", 'end = "soon"', "18: time.end", ["unknown name 'soon'; known here: pi, e", "\n    soon\n    ^"]),
    ("end = 1.0", "end = -1.0", "18: time.end", ["found -1.0, expected the end time, a number above 0"]),
    ("end = 1.0", "end = nan", "18: time.end", ["found nan, expected"]),
    ("end = 1.0", "", "17: time.end", ["missing, expected the end time, a number above 0"]),
    ("[16, 16]", "[16, 20]", "6: mesh.cells", ["20 is no multiple of the patch size 8; try 16"]),
    ("[16, 16]", "[-16, 16]", "6: mesh.cells[0]", ["found -16, expected cells of the root grid"]),
    ("[16, 16]", "[16, 16, 16]", "6: mesh.cells", ["expected 2 numbers, as the domain has, got [16, 16, 16]"]),
    ("patch = 8", "patch = 7", "7: mesh.patch", ["expected an even number of cells, at least 4, got 7"]),
    ("upper = [1.0", "upper = [-1.0", "3: domain.upper", ["must be greater than lower"]),
    ("velocity =", 'type = "advektion"\nvelocity =', "10: equation.type", ['found "advektion"', '"advection"?']),
    ('"mc"', '"van_lear"', "14: scheme.limiter", ['found "van_lear", expected "mc" or', 'did you mean "van_leer"?']),
    (PHI, '"2 * (x - 1))"', "12: initial.phi", ["unmatched ')'\n    2 * (x - 1))\n" + " " * 15 + "^"]),
    (PHI, '"2 * x +"', "12: initial.phi", ["broken expression: it ends too early\n    2 * x +\n" + " " * 11 + "^"]),
    (PHI, '"2 * r"', "12: initial.phi", ["unknown name 'r'; known here: x, y, pi, e\n    2 * r\n" + " " * 8 + "^"]),
    (PHI, '"log(x - 0.5)"', "12: initial.phi", ["gives nan at x = 0.03125, y = 0.03125, expected finite numbers"]),
    (f"phi = {PHI}", "psi = 1", "12: initial.psi", ["no such variable; did you mean phi?"]),
    (f"phi = {PHI}", "", "11: initial.phi", ["missing, expected an expression or 'module:function'"]),
    ("[1.0, 0.5]", "[1.0, 0.5, 0.0]", "10: equation.velocity", ["found 3 components, expected 2"]),
    ('"periodic"', '["periodic", ["periodic", "outflow"]]', "4: domain.boundary", ["across y", "expected both"]),
    ("above = 0.1", 'above = 0.1, variable = "fi"', "16: refine.difference.variable", ['found "fi"', '"phi"']),
    ("above = 0.1", "above = 0.1, below = 0.2", "16: refine.difference.below", ["at most above=[0.1], got [0.2]"]),
    ("end = 1.0", "end =", "18", ["broken TOML: Invalid value\n    end =\n"]),
    ("patch = 8", "patch = 8\npatch = 16", "8", ["broken TOML: this key is there twice\n    patch = 16\n"]),
    ("[time]", "[mesh]", "17", ["broken TOML: the table 'mesh' is there twice\n    [mesh]\n"]),
    (PHI, '"amrax_test_mistakes:raise"', "12: initial.phi", ["has no function 'raise'; did you mean raises?"]),
    (PHI, '"amrax_test_mistaken:f"', "12: initial.phi", ["no module 'amrax_test_mistaken' in "]),
    (PHI, '"amrax_test_mistakes:raises"', "12: initial.phi", ["KeyError: 'no luck' (amrax_test_mistakes.py, line 2)"]),
    ('"2*phi"', '"2*phi +"', "21: output.derived.twice", ["broken expression"]),
    ('"2*phi"', '"2*psi"', "21: output.derived.twice", ["unknown name 'psi'", "known here: phi, x, y, t"]),
    ("twice =", "phi =", "21: output.derived.phi", ["is the name of something else already"]),
    ("twice =", "x =", "21: output.derived.x", ["has a meaning of its own"]),
    ("keep = 2", "keep = 0", "23: checkpoint.keep", ["found 0, expected", "1 or more"]),
    ("every = 0.5", "every = 0", "20: output.every", ["found 0, expected the time between two dumps"]),
    ("every = 0.5", "every = 1e-9", "20: output.every", ["which asks for 999999999 dumps until 1.0"]),
    ("every = 0.5", "every_steps = 1.5", "20: output.every_steps", ["found 1.5, expected steps", "a whole number"]),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "place", "words"), MISTAKES)
def test_a_mistake_is_told_where_it_is_and_alone(folder, right, wrong, place, words):
    assert CONFIG.count(right) == 1
    (folder / "case.toml").write_text(CONFIG.replace(right, wrong))
    said = told("validate", "case.toml")
    assert said.startswith(f"case.toml:{place}: ")
    assert said.endswith("\n1 mistake in the config; nothing was done.\n")
    for word in words:
        assert word in said


def test_in_three_dimensions_two_components_are_too_few(folder):
    text = CONFIG.replace("[0.0, 0.0]", "[0.0, 0.0, 0.0]").replace("[1.0, 1.0]", "[1.0, 1.0, 1.0]")
    (folder / "case.toml").write_text(text.replace("[16, 16]", "[16, 16, 16]"))
    assert told("validate", "case.toml").startswith("case.toml:10: equation.velocity: found 2 components, expected 3\n")


def test_all_mistakes_are_told_at_once(folder):
    text = CONFIG
    for right, wrong, _, _ in (MISTAKES[n] for n in (0, 5, 14, 17, 24)):
        text = text.replace(right, wrong)
    (folder / "case.toml").write_text(text)
    lines = [int(line) for line in re.findall(r"^case.toml:(\d+): ", told("validate", "case.toml"), re.MULTILINE)]
    assert lines == [7, 12, 14, 16, 18]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cas.toml"], "cas.toml: no such file (did you mean case.toml?)\n"),
        (["."], ".: is a folder, expected a config file (TOML)\n"),
        (["case.toml", "mesh.pach=4"], "command line: mesh.pach: unknown key; did you mean patch?\n"),
        (["case.toml", "mehs.patch=4"], "command line: mehs: unknown table; did you mean mesh?\n"),
        (["case.toml", "mesh.patch"], "command line: mesh.patch: expected table.key=value, such as mesh.max_level=3\n"),
        (["case.toml", "mesh.patch.x=4"], "command line: mesh.patch.x: mesh.patch is 8, no table\n"),
        (["case.toml", "mesh.cells=[16, 16"], "command line: mesh.cells: broken TOML '[16, 16': Unclosed array"),
        (["case.toml", "time.end=-1"], "command line: time.end: found -1, expected the end time, a number above 0\n"),
    ],
)
@pytest.mark.parametrize("command", ["validate", "run"])
def test_mistakes_on_the_command_line(folder, command, arguments, words):
    assert told(command, *arguments).startswith(words)


def test_a_file_in_the_place_of_the_output_folder(folder):
    (folder / "taken").write_text("")
    said = told("run", "case.toml", "output.directory=taken")
    assert said == "output.directory: taken: taken is a file, expected a folder\n"

#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""The tasks of a contributor: `nox -l` lists them, `nox -s docs` runs one, each in an environment of its own."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
PROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, group: str) -> None:
    """Install Amrax as it is here, with the tools of a dependency group."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, group))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, layers, spelling, repository habits."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    session.run("codespell")
    session.run("repo-review", ".")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests; what stands behind `--` goes to pytest, as in `nox -s tests -- tests/grid/test_halo.py`."""
    session.install("-e", ".[test]")
    session.run("pytest", *(session.posargs or ["-n", "auto"]))


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """The tests that are not run every day, of programs with full optimization."""
    session.install("-e", ".[test]")
    environment = {"AMRAX_TESTS_OPTIMIZED": "1"}
    session.run("pytest", "-m", "slow", *(session.posargs or ["-n", "auto"]), env=environment)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The pages, into site/; `nox -s docs -- serve` shows them while they are written."""
    install(session, "docs")
    session.run("python", "docs/generate.py")
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]))


if __name__ == "__main__":
    nox.main()

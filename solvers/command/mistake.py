"""How commands end when something is wrong: with words for people and an exit status."""

from typing import Any

import click

FAILED, WRONG = 1, 2  # exit statuses: of a run that did not come to its end, of a mistake of the user's
LIMITED = 124  # of a run that a limit ended before its time, as of `timeout`; it can be resumed


class Mistake(click.ClickException):
    """Ends a command: its text, as it is, and the exit status."""

    def __init__(self, message: str, status: int = WRONG):
        super().__init__(message)
        self.exit_code = status  # type: ignore[misc]  # click has one for all of a kind

    def show(self, file: Any = None) -> None:
        click.echo(self.message, err=True)

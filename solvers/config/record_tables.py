"""The tables `[record.NAME]` of a config file: what is recorded step by step."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from .values import Name, Number, Point, Positive, Table, listed, maybe

Several = Annotated[
    tuple[Point, ...],
    BeforeValidator(lambda value: [listed(point) for point in listed(value)]),
    Field(strict=False, min_length=1),
]
A_POINT = "one number for each dimension, such as [0.0, 0.5]"
PLACES = ("points", "line", "slice")
MEASURES = ("integrals", "extrema", *PLACES)

# `from` is a word of Python's, so it cannot stand in a class.
_line: dict[str, Any] = {
    "from": (Point, Field(description=A_POINT)),
    "to": (Point, Field(description=A_POINT)),
    "points": (int, Field(default=256, ge=2, description="how many points, a whole number, 2 or more")),
}
LineTable: Any = create_model("LineTable", __base__=Table, __doc__="Points along a straight line.", **_line)


class SliceTable(Table):
    """The cells of a level on a plane, or in 2D on a line."""

    axis: Literal["x", "y", "z"] = Field(description="perpendicular to the slice")
    at: Number = Field(description="a coordinate along that axis")
    level: int | None = maybe("a whole number from 0 to mesh.max_level", ge=0)


class RecordTable(Table):
    """Something that is recorded during the run, in a file of its own."""

    integrals: bool = Field(default=False, description="true or false")
    extrema: bool = Field(default=False, description="true or false")
    points: Several | None = maybe("a list of points, such as [[0.5, 0.5], [0.25, 0.75]]")
    line: LineTable | None = maybe("a table, such as {from = [0.0, 0.5], to = [1.0, 0.5], points = 256}")
    interpolate: bool = Field(default=False, description="true or false; of points and line")
    slice: SliceTable | None = maybe('a table, such as {axis = "z", at = 0.5}')
    every_steps: int | None = maybe("steps between two rows, a whole number, 1 or more", ge=1)
    every: Positive | None = maybe("the time between two rows, a number above 0")
    format: Literal["csv", "jsonl"] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> RecordTable:
        if not any(getattr(self, key) for key in MEASURES):
            raise ValueError("asks for nothing, expected one of integrals = true, extrema = true, points, line, slice")
        places = [key for key in PLACES if getattr(self, key) is not None]
        if len(places) > 1:
            raise ValueError(f"found {' and '.join(places)}, expected one of them; make a record of each")
        if self.interpolate and self.points is None and self.line is None:
            raise ValueError("found interpolate = true, which is for points and line; a slice gives cells")
        if self.every is not None and self.every_steps is not None:
            raise ValueError("found every and every_steps, expected one of them")
        return self

    def settled(self) -> RecordTable:
        """With the defaults that depend on other keys."""
        steps = 1 if self.every is None and self.every_steps is None else self.every_steps
        wide = self.line is not None or self.slice is not None
        return self.model_copy(update={"every_steps": steps, "format": self.format or ("jsonl" if wide else "csv")})


RecordTables = dict[Name, RecordTable]

"""What yt loads through the entry point `yt.frontends`, so that `yt.load("run_0001.vtkhdf")` works.

yt reads our files as Parthenon's, whose layout they have, but takes that format only by other file names. What a file
says of units and dimensions becomes yt's: variables with dimensions are fields of kind "gas", with which yt makes
others, such as `cell_mass`.
"""

import functools
import tomllib

import h5py
from yt.frontends.parthenon.api import ParthenonDataset, ParthenonFieldInfo
from yt.units import YTQuantity

from .header import read_header

# A mesh has no physics: without these, yt warns that it had to guess them, five lines for each file.
NEUTRAL = {"gamma": 5 / 3, "mu": 1.0}
CODE = {"length": "cm", "time": "s", "mass": "g"}  # units in which yt wants to know those of the file
NAMES = {"energy": "total_energy_density"} | {f"momentum_{x}": f"momentum_density_{x}" for x in "xyz"}  # yt's own


class AmraxFieldInfo(ParthenonFieldInfo):
    """Variables go by their plain names: `yt.SlicePlot(ds, "z", "phi")`."""

    def __init__(self, ds, field_list):
        units = {name: ds.unit_of(name) for _, name in field_list}
        self.known_other_fields = tuple((name, (unit, [], None)) for name, unit in units.items() if unit)
        super().__init__(ds, field_list)

    def setup_fluid_fields(self):
        super().setup_fluid_fields()
        for field in self.field_list:
            unit = self.ds.unit_of(field[1])
            for name in {field[1], NAMES.get(field[1], field[1]) if unit else field[1]}:
                self.alias(("gas", name), field, units=unit or "dimensionless")
        self._add_those_of_gas()

    def _add_those_of_gas(self):
        """Velocity and pressure, where density, momentum and energy are stored and these are not."""
        stored = {name for _, name in self.field_list if self.ds.unit_of(name)}
        momenta = [name for name in (f"momentum_{axis}" for axis in "xyz") if name in stored]
        if "density" not in stored:
            return

        def velocity(data, momentum):
            return data["gas", momentum] / data["gas", "density"]

        def pressure(field, data):
            moving = sum(data["gas", name] ** 2 for name in momenta) / (2 * data["gas", "density"])
            return (self.ds.gamma - 1) * (data["gas", "energy"] - moving)

        made = {name.replace("momentum", "velocity"): functools.partial(_of, velocity, name) for name in momenta}
        made |= {"pressure": pressure} if momenta and "energy" in stored and self.ds.knows_gamma else {}
        for name in made.keys() - stored:
            unit = self.ds.unit_system["pressure" if name == "pressure" else "velocity"]
            self.add_field(("gas", name), sampling_type="cell", function=made[name], units=unit)


class AmraxDataset(ParthenonDataset):
    """A file of `amr.io.write` in yt; everything is in code units unless `unit_system` says otherwise.

    The pressure of gas needs the ratio of specific heats, which files of runs from configs have; for others give
    `parameters={"gamma": 1.4}`.
    """

    _field_info_class = AmraxFieldInfo  # type: ignore[assignment]

    def __init__(self, filename, dataset_type="parthenon", *, parameters=None, unit_system="code", **options):
        header = read_header(filename)
        self.told = header.get("units", {})
        law = tomllib.loads(header["config"] or "").get("equation", {})
        of_law = {"gamma": law["gamma"]} if "gamma" in law else {}
        self.knows_gamma = "gamma" in (of_law | (parameters or {}))
        code = {f"Hydro/code_{key}_cgs": _in(self.told.get(key), unit) for key, unit in CODE.items()}
        parameters = NEUTRAL | code | of_law | (parameters or {})
        super().__init__(filename, dataset_type, parameters=parameters, unit_system=unit_system, **options)

    def unit_of(self, name: str) -> str:
        """The unit of a variable in yt's words; empty where it is not known."""
        own = self.told.get("variables", {}).get(name)
        power = self.told.get("dimensions", {}).get(name)
        if own or power is None:
            return own or ""
        return "*".join(f"code_{base}**({n:g})" for base, n in zip(CODE, power, strict=True) if n) or "dimensionless"

    @classmethod
    def _is_valid(cls, filename: str, *args, **kwargs) -> bool:
        if not filename.endswith(".vtkhdf") or not h5py.is_hdf5(filename):
            return False
        with h5py.File(filename, "r") as file:
            return "amr" in file and "Info" in file


def _of(compute, momentum, field, data):
    """As yt calls what makes a field."""
    return compute(data, momentum)


def _in(unit: str | None, other: str) -> float:
    """How many of the other unit a unit is; 1 where it is not given."""
    return 1.0 if unit is None else float(YTQuantity(1.0, unit).to(other))

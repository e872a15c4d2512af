"""What yt loads through the entry point `yt.frontends`, so that `yt.load("run_0001.vtkhdf")` works.

yt reads our files as Parthenon's, whose layout they have, but takes that format only by other file names. What a file
says of units and dimensions becomes yt's: variables with dimensions are fields of kind "gas", with which yt makes
others, such as `cell_mass`.
"""

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
        self._add_velocities()

    def _add_velocities(self):
        """The momentum over the density, where there are both and no velocity."""
        stored = {name for _, name in self.field_list if self.ds.unit_of(name)}
        for axis in "xyz":
            momentum = f"momentum_{axis}"
            if {momentum, "density"} <= stored and f"velocity_{axis}" not in stored:

                def velocity(field, data, momentum=momentum):
                    return data["gas", momentum] / data["gas", "density"]

                unit = self.ds.unit_system["velocity"]
                self.add_field(("gas", f"velocity_{axis}"), sampling_type="cell", function=velocity, units=unit)


class AmraxDataset(ParthenonDataset):
    """A file of `amr.io.write` in yt; everything is in code units unless `unit_system` says otherwise."""

    _field_info_class = AmraxFieldInfo  # type: ignore[assignment]

    def __init__(self, filename, dataset_type="parthenon", *, parameters=None, unit_system="code", **options):
        self.told = read_header(filename).get("units", {})
        code = {f"Hydro/code_{key}_cgs": _in(self.told.get(key), unit) for key, unit in CODE.items()}
        parameters = NEUTRAL | code | (parameters or {})
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


def _in(unit: str | None, other: str) -> float:
    """How many of the other unit a unit is; 1 where it is not given."""
    return 1.0 if unit is None else float(YTQuantity(1.0, unit).to(other))

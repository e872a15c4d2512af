"""What yt loads through the entry point `yt.frontends`, so that `yt.load("run_0001.vtkhdf")` works.

yt reads our files as Parthenon's, whose layout they have, but takes that format only by other file names.
"""

import h5py
from yt.frontends.parthenon.api import ParthenonDataset, ParthenonFieldInfo

# A mesh has no physics: without these, yt warns that it had to guess them, five lines for each file.
NEUTRAL = {
    "gamma": 5 / 3,
    "mu": 1.0,
    "Hydro/code_length_cgs": 1.0,
    "Hydro/code_time_cgs": 1.0,
    "Hydro/code_mass_cgs": 1.0,
}


class AmraxFieldInfo(ParthenonFieldInfo):
    """Variables go by their plain names: `yt.SlicePlot(ds, "z", "phi")`."""

    def setup_fluid_fields(self):
        super().setup_fluid_fields()
        for field in self.field_list:
            self.alias(("gas", field[1]), field, units="dimensionless")


class AmraxDataset(ParthenonDataset):
    """A file of `amr.io.write` in yt; everything is in code units unless `unit_system` says otherwise."""

    _field_info_class = AmraxFieldInfo

    def __init__(self, filename, dataset_type="parthenon", *, parameters=None, unit_system="code", **options):
        parameters = NEUTRAL | (parameters or {})
        super().__init__(filename, dataset_type, parameters=parameters, unit_system=unit_system, **options)

    @classmethod
    def _is_valid(cls, filename: str, *args, **kwargs) -> bool:
        if not filename.endswith(".vtkhdf") or not h5py.is_hdf5(filename):
            return False
        with h5py.File(filename, "r") as file:
            return "amr" in file and "Info" in file

"""Profiles of fields: what users import of `amr.field.profile`."""

from amr.field.profile import (
    Profile as Profile,
)
from amr.field.profile import (
    Radius as Radius,
)
from amr.field.profile import (
    profile as profile,
)

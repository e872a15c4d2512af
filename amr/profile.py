"""Profiles of fields: what users import of `amr.field.profile`."""

from amr.field.profile import (
    Profile as Profile,
    Radius as Radius,
    profile as profile,
)

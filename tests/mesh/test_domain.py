"""What a domain and a mesh accept, and what they say about settings that cannot work."""

import math

import pytest

import amr
from amr import Domain, InvalidSettingError, Mesh

SQUARE = Domain((0, 0), (1, 1))

WRONG_DOMAINS = {
    "empty": ({"lower": 0, "upper": 0}, "upper"),
    "upside down": ({"lower": (0, 1), "upper": (1, 0)}, "upper"),
    "one corner too short": ({"lower": (0, 0), "upper": 1}, "upper"),
    "four dimensions": ({"lower": (0,) * 4, "upper": (1,) * 4}, "lower"),
    "no dimension": ({"lower": (), "upper": ()}, "lower"),
    "not a number": ({"lower": 0, "upper": math.nan}, "lower"),
    "infinite": ({"lower": -math.inf, "upper": 0}, "lower"),
    "boundary": ({"lower": 0, "upper": 1, "periodic": False, "boundary": amr.Outflow()}, "boundary"),
    "too few flags": ({"lower": (0, 0), "upper": (1, 1), "periodic": [True]}, "periodic"),
    "no flag at all": ({"lower": 0, "upper": 1, "periodic": "wall"}, "periodic"),
}

WRONG_MESHES = {
    "too few numbers of cells": ({"cells": 64}, "cells"),
    "no multiple of the patch": ({"cells": (64, 60)}, "cells"),
    "fewer than a patch": ({"cells": (64, 8)}, "cells"),
    "no cells": ({"cells": (64, 0)}, "cells"),
    "odd patch": ({"cells": (63, 63), "patch": 7}, "patch"),
    "tiny patch": ({"cells": (64, 64), "patch": 2}, "patch"),
    "negative level": ({"cells": (64, 64), "max_level": -1}, "max_level"),
    "too deep": ({"cells": (64, 64), "max_level": 14}, "max_level"),
    "no room for the roots": ({"cells": (64, 64), "capacity": 15}, "capacity"),
}


@pytest.mark.parametrize("name", WRONG_DOMAINS)
def test_wrong_domains_are_refused(name):
    settings, key = WRONG_DOMAINS[name]
    with pytest.raises(InvalidSettingError, match=f"^{key}: ") as error:
        Domain(**settings)
    assert error.value.key == key


@pytest.mark.parametrize("name", WRONG_MESHES)
def test_wrong_meshes_are_refused(name):
    settings, key = WRONG_MESHES[name]
    with pytest.raises(InvalidSettingError, match=f"^{key}: ") as error:
        Mesh(SQUARE, **settings)
    assert error.value.key == key


@pytest.mark.parametrize(
    ("settings", "periodic"),
    [
        ({}, (True, True)),
        ({"periodic": True}, (True, True)),
        ({"periodic": False}, (False, False)),
        ({"periodic": (False, True)}, (False, True)),
    ],
)
def test_periodic_dimensions(settings, periodic):
    assert Domain((0, 0), (1, 2), **settings).periodic == periodic


def test_a_domain_knows_its_size():
    domain = Domain((0, -1), (2, 2))
    assert (domain.ndim, domain.lengths, domain.volume) == (2, (2.0, 3.0), 6.0)
    assert Domain(0, 1).lower == (0.0,)


def test_a_mesh_knows_its_sizes():
    mesh = Mesh(Domain((0, 0), (1, 2)), (32, 96), patch=8, max_level=3)
    assert mesh.roots == (4, 12)
    assert mesh.root_count == 48
    assert mesh.children == 4
    assert mesh.cells_per_patch == 64
    assert mesh.patch_shape == (8, 8)
    assert mesh.finest_cells == 32 * 96 * 64
    assert mesh.cell_size() == (1 / 32, 2 / 96)
    assert mesh.cell_size(2) == (1 / 128, 2 / 384)
    assert 2**mesh.key_bits >= 12 * 8 > 2 ** (mesh.key_bits - 1)


def test_the_deepest_mesh_is_named_in_the_message():
    with pytest.raises(InvalidSettingError, match="at most 13"):
        Mesh(SQUARE, (64, 64), max_level=14)
    assert Mesh(SQUARE, (64, 64), max_level=13).key_bits * 2 == amr.mesh.mesh.KEY_BITS


def test_meshes_are_values():
    """Equal settings are equal keys, so that functions compiled for one serve the other."""
    one, other = (Mesh(Domain((0, 0), [1, 1]), cells, patch=8) for cells in ((16, 16), [16, 16]))
    assert one == other
    assert hash(one) == hash(other)

"""Morton (Z-order) keys: the bits of the coordinates interleaved, dimension 0 lowest.

Sorted by key, the leaves of a forest follow a space-filling curve, the children of a patch are neighbours in
memory, and every leaf owns a contiguous interval of keys, so that a binary search finds the leaf at a point
(Burstedde, Wilcox, Ghattas, SIAM J. Sci. Comput. 33, 2011, section 2).

    0  2 |  8 10        keys in 2D, dimension 0 drawn downwards; a leaf one level up, such as the lower right one,
    1  3 |  9 11        has the key of its first cell, 12, and owns the keys up to 15
    -----+------
    4  6 | 12
    5  7 |
"""

import numpy as np
from jaxtyping import Array, Int

from .mesh import KEY_BITS

Integers = Int[Array, "..."] | Int[np.ndarray, "..."]
NO_KEY = np.int32(2**31 - 1)


def encode(position: Integers) -> Integers | np.integer:
    """The key of integer coordinates, which must not have more than `KEY_BITS` bits together; JAX or NumPy arrays."""
    key, *others = spread(position, position.shape[0])
    for d, part in enumerate(others, 1):
        key = key | (part << d)
    return key


def spread(number: Integers, ndim: int) -> Integers:
    """Numbers with `ndim - 1` zeros put between their bits.

    The halves of a number are moved apart, then the halves of these, and so on (H. S. Warren, Hacker's Delight, section
    7-2), which takes four steps whatever the number of bits.
    """
    for width in () if ndim == 1 else (8, 4, 2, 1):
        kept = sum(1 << bit for bit in range(KEY_BITS) if bit // width % ndim == 0)
        number = (number | (number << ((ndim - 1) * width))) & kept
    return number


def octants(ndim: int) -> np.ndarray:
    """Offsets (0 or 1 in each dimension) of the children of a patch in Morton order, shape `(2**ndim, ndim)`."""
    number = np.arange(2**ndim)
    return np.stack([(number >> d) & 1 for d in range(ndim)], axis=1).astype(np.int32)

"""Morton (Z-order) keys: the bits of the coordinates interleaved, dimension 0 lowest.

Sorted by key, the leaves of a forest follow a space-filling curve, the children of a patch are neighbours in
memory, and every leaf owns a contiguous interval of keys, so that a binary search finds the leaf at a point
(Burstedde, Wilcox, Ghattas, SIAM J. Sci. Comput. 33, 2011, section 2).
"""

import numpy as np
from jaxtyping import Array, Int

Integers = Int[Array, "..."] | Int[np.ndarray, "..."]
NO_KEY = np.int32(2**31 - 1)


def encode(position: Integers, bits: int) -> Integers | np.integer:
    """The key of integer coordinates of at most `bits` bits each; JAX or NumPy arrays."""
    ndim = position.shape[0]
    key = 0 * position[0]
    for bit in range(bits):
        for d in range(ndim):
            key |= ((position[d] >> bit) & 1) << (bit * ndim + d)
    return key


def octants(ndim: int) -> np.ndarray:
    """Offsets (0 or 1 in each dimension) of the children of a patch in Morton order, shape `(2**ndim, ndim)`."""
    number = np.arange(2**ndim)
    return np.stack([(number >> d) & 1 for d in range(ndim)], axis=1).astype(np.int32)

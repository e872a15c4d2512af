"""Small integer arithmetic for index plans."""


def row_major(coordinates: list, size: int):
    """The row-major number of integer coordinates, each of which counts to `size`."""
    number = coordinates[0]
    for coordinate in coordinates[1:]:
        number = number * size + coordinate
    return number


def along(values, d: int, ndim: int):
    """Reshape `(n, patches)` or `(n,)` so that it varies along spatial axis d of `(*cells, patches)`."""
    values = values if values.ndim == 2 else values[:, None]
    return values.reshape(*(values.shape[0] if k == d else 1 for k in range(ndim)), values.shape[-1])

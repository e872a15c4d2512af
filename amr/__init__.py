"""Block-structured adaptive meshes in JAX: forests of patches in fixed-capacity arrays. No physics in here.

Names are imported when they are first used, so that what needs no JAX, such as a look into a file, starts at once.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

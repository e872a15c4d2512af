"""Physics on adaptive meshes: equations, schemes, time stepping, the run loop, config files and the command line.

Names are imported when they are first used, so that the command line starts before JAX does.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Physics on adaptive meshes: equations, schemes, time stepping, the run loop, config files and the command line."""

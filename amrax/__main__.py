"""`python -m amrax`: the command `amrax`, where the environment's programs are not on the path."""

from solvers.command import main

main()

"""How fast Amrax is: `python -m benchmarks` prints the table, `python -m benchmarks.compare COMMIT` measures a change.

Ratios within one run are what counts: machines and their load differ, and both sides of a ratio feel them alike.
"""

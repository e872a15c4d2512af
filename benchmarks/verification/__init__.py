"""Problems with known answers and published numbers, run through the public interface.

    python -m benchmarks.verification --only V4

A case is a function with the decorator `case.case`; `catalogue.CASES` lists them all.
"""

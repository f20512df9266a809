"""The crash matrix: a restore is hit at every step, in every way, and then finished or taken back.

``python -m tests.crash`` runs all cells, ``python -m tests.crash.mutate`` proves that they would notice.
"""

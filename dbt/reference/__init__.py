"""Translated against a reference: oracles, the comparison, its verdict and its replay files."""

from dbt.reference.verdict import Coverage, Difference, Verdict

__all__ = ["Coverage", "Difference", "Verdict"]

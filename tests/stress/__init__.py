"""Stress by programs made for it: stress-ng, natively and translated."""

"""Profiles: what the translation cache does, and where a program spends its time under it."""

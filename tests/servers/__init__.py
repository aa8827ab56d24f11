"""Servers under load, natively and translated: `make servers`, `make soak`."""

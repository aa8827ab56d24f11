"""The comparison with a reference."""

"""Sessions with the VMM: starting programs under translation, and the bare Machine."""

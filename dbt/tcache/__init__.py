"""The translation cache as Python sees it: its settings, and what was counted in it."""

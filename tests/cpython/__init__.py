"""CPython's own tests, natively and translated: the same verdict for each test."""

"""Real programs from Debian, run natively and translated, compared byte for byte."""

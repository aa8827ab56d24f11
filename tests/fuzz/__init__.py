"""Random programs, translated and on the references."""

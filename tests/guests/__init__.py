"""Guest programs, run natively and translated and compared."""

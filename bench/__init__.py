"""Speed: programs against native and peers, start-up, cold translation, and micro benchmarks."""

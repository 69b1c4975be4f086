"""Benchmarks, the differential runner and the soak: never run as tests, see bench/README.md."""

"""Measurements, each beside its baseline in the same run. `make bench` runs them all into docs/benchmarks.md."""

"""Benchmarks: programs, never part of `make test`. Each compares this project with a yardstick on the same machine."""

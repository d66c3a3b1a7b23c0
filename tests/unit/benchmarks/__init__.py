"""Tests of benchmarks/, each module's by its name."""

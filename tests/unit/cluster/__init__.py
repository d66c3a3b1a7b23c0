"""Tests of cluster/, each module's by its name."""

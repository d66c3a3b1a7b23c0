"""Tests of api/, each module's by its name."""

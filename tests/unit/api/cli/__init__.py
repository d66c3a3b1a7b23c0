"""Tests of api/cli/, each module's by its name."""

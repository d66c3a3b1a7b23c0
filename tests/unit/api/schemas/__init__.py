"""Tests of api/schemas/, each module's by its name."""

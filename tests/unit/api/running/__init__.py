"""Tests of api/running/, each module's by its name."""

"""Tests of api/documents/, each module's by its name."""

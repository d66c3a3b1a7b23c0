"""Tests of api/files/, each module's by its name."""

"""Tests of api/client/, each module's by its name."""

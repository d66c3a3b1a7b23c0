"""Tests of api/routes/, each module's by its name."""

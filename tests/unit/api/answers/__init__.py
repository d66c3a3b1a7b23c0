"""Tests of api/answers/, each module's by its name."""

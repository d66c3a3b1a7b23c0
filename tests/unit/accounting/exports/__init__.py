"""Tests of accounting/exports/, each module's by its name."""

"""Every table there is, by package."""

import importlib
import importlib.util

from sqlalchemy import MetaData

import api.tables
import scheduler.storage.tables

METADATA: tuple[MetaData, ...] = (scheduler.storage.tables.Base.metadata, api.tables.Base.metadata)
if importlib.util.find_spec(
    "accounting.storage.activity_tables"
):  # it imports the books' other tables
    METADATA += (importlib.import_module("accounting.storage.activity_tables").Base.metadata,)

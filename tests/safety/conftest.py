from __future__ import annotations

from tests.support.database import clean_database, pytest_collection_modifyitems

__all__ = ["clean_database", "pytest_collection_modifyitems"]

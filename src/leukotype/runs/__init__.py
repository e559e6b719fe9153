"""Finished tasks on disk, so that an interrupted run resumes."""

from leukotype.runs.status import Status, read_status
from leukotype.runs.store import LOCK, NAME, Item, Store, is_store_file, store_file

__all__ = ["LOCK", "NAME", "Item", "Status", "Store", "is_store_file", "read_status", "store_file"]

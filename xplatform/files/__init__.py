"""A machine's model files: what there is to fetch, fetching it, and the cache that holds it.

Used by node agents, so nothing here knows Django, Celery or a database. The hubs' libraries load
with the first download.
"""

from xplatform.files.cache import CachedInfo
from xplatform.files.files import Cancelled, Files, files_of
from xplatform.files.jobs import DownloadInfo, Progress
from xplatform.files.pictures import Pictures
from xplatform.files.source import Hub, Source, read_source
from xplatform.files.transfer import Patience

__all__ = [
    "CachedInfo",
    "Cancelled",
    "DownloadInfo",
    "Files",
    "Hub",
    "Patience",
    "Pictures",
    "Progress",
    "Source",
    "files_of",
    "read_source",
]

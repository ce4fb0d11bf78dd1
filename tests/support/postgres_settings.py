"""The tests' settings, on the PostgreSQL that ``TEST_DATABASE`` names."""

import os
from pathlib import Path

from tests.settings import *  # noqa: F403
from xplatform.database import database

DATABASES = {"default": database(os.environ["TEST_DATABASE"], Path())}
# As in a control worker, whose threads keep their connections.
DATABASES["default"]["CONN_MAX_AGE"] = 300

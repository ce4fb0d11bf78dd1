"""Engine environments: ``<home>/engines/<name>-<version>``, a virtual environment an engine.

Engines' libraries are large, slow to import and at odds with each other; the server's own
environment never holds one.
"""

from __future__ import annotations

from xplatform.environments.install import EnvironmentFailed, install, needed_bytes
from xplatform.environments.store import (
    Environment,
    EnvironmentInUse,
    Kept,
    UnknownEngine,
    environment_python,
    environments,
    kept,
    remove,
)

__all__ = [
    "Environment",
    "EnvironmentFailed",
    "EnvironmentInUse",
    "Kept",
    "UnknownEngine",
    "environment_python",
    "environments",
    "install",
    "kept",
    "needed_bytes",
    "remove",
]

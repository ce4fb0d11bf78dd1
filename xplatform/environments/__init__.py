"""Engine environments: ``<home>/engines/<name>-<version>``, a virtual environment an engine.

Engines' libraries are large, slow to import and at odds with each other; the server's own
environment never holds one.
"""

from __future__ import annotations

from xplatform.environments.install import EnvironmentFailed, install
from xplatform.environments.store import (
    Environment,
    EnvironmentInUse,
    UnknownEngine,
    environment_python,
    environments,
    remove,
)

__all__ = [
    "Environment",
    "EnvironmentFailed",
    "EnvironmentInUse",
    "UnknownEngine",
    "environment_python",
    "environments",
    "install",
    "remove",
]

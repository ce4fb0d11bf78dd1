"""Who may use the platform, where, and with which keys."""

from apps.accounts.models.keys import ApiKey
from apps.accounts.models.people import Membership, Project, User

__all__ = ["ApiKey", "Membership", "Project", "User"]

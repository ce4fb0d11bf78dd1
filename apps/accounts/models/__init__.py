"""Who may use the platform, where, and with which keys."""

from apps.accounts.models.changes import Changes
from apps.accounts.models.keys import ApiKey
from apps.accounts.models.people import Membership, Project, User
from apps.accounts.models.stored_secrets import StoredSecret
from apps.accounts.oauth.models import Application
from apps.accounts.second_factor.models import Authenticator, Passkey, RecoveryCode, SpentChallenge
from apps.accounts.sso.models import SsoIdentity, SsoProvider
from apps.accounts.tokens.models import Login

__all__ = [
    "ApiKey",
    "Application",
    "Authenticator",
    "Changes",
    "Login",
    "Membership",
    "Passkey",
    "Project",
    "RecoveryCode",
    "SpentChallenge",
    "SsoIdentity",
    "SsoProvider",
    "StoredSecret",
    "User",
]

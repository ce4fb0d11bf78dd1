from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from apps.accounts import (
            belonging,
            deploy_checks,  # noqa: F401
        )
        from apps.accounts.oauth import signals
        from apps.accounts.tokens import pages

        belonging.register()
        signals.connect()
        pages.connect()


class AdminConfig(SimpleAdminConfig):
    # Not the usual config, which would import all admin modules into every process: urls.py
    # does it for the web.
    default_site = "apps.accounts.admin_site.AdminSite"

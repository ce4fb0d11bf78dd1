from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from apps.accounts import belonging
        from apps.accounts.oauth import management, signals

        belonging.register()
        management.register_things()
        signals.connect()

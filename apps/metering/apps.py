from django.apps import AppConfig


class MeteringConfig(AppConfig):
    name = "apps.metering"
    label = "metering"
    verbose_name = "Limits and usage"

    def ready(self) -> None:
        from apps.metering import things

        things.register_all()

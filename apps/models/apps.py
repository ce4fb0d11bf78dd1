from django.apps import AppConfig


class ModelsConfig(AppConfig):
    name = "apps.models"
    label = "models"
    verbose_name = "Models"

    def ready(self) -> None:
        from apps.models import things
        from apps.models.actions import farewell

        things.register_all()
        farewell.register()

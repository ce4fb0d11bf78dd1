"""The Celery application. Roles add their task modules themselves (see ``apps.*.worker``)."""

from __future__ import annotations

from celery import Celery

app = Celery("xplatform", set_as_current=True, fixups=[])
app.config_from_object("celeryconfig")

"""Xinference's management API: the routes that its clients call, over our own models.

Faces only: they read a request of Xinference's form, call ``apps.models.api`` and show the answer
in Xinference's form. ``docs/xinference.md`` has the routes and how names map.
"""

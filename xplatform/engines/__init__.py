"""The engine side: what runs inside an engine's own virtual environment.

Nothing here may import Django, Celery, or anything of the server but this package: an engine
process sees only the standard library, msgspec and its own libraries. Imports inside the package
are relative, because in an engine process it is loaded under the name ``engines`` by
``__main__.py`` without the server's site-packages.
"""

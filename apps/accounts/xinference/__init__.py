"""Xinference's routes for logins, users and keys, over our own. ``docs/xinference.md`` has how
names map."""

"""Tokens of people's logins: a short one that opens doors, a long one that renews it.

Both are JWTs under ``secrets/jwt``. One row (``Login``) stands for one login on one device and
knows which refresh token is the newest: an older one shown again means that somebody has a copy,
and ends the login.
"""

"""The warden: starts, watches and stops every process of this machine. See ``supervisor.py``."""

"""The operating pages of the console: machines, files, settings, running models, events."""

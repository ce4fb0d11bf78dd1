"""Your own model cloud: register open models, launch them, call them by OpenAI's API."""

__version__ = "0.1.0"

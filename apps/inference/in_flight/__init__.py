"""Requests that wait or run now, over all web processes: ``/api/launches/{uid}/requests``.

Nobody writes down what runs; each web process knows its own. Whoever asks calls all of them
(``xplatform.core.channels.call_webs``), and each answers from memory (``gateway/census.py``).
"""

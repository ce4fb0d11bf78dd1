"""Who may do what, as data: no Django, no code that decides.

``actions`` has what can be done and the least role that may; ``routes`` and ``commands`` have what
each way in does. A route or a command without an entry fails the tests, and is refused.
"""

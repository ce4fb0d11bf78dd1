"""Events for readers: by query, and pushed as they come.

::

    Event rows ── settled.py ──▶ history.py ──▶ views.py    /api/events
                  (no gap can      │
                   be filled       └──▶ tail.py ──▶ socket.py   /ws/events
                   any more)            (one reader a process)  long_poll.py

The database is read, by id; a hint only says when. *State, then all events after it, is fresh
state*: a reader that keeps the last id it saw misses nothing and gets nothing twice, whichever
process it asks next.
"""

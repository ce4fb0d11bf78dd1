"""Numbers over time, without anything beside the server: what is asked of models, how nodes are.

::

    web processes ──▶ points.py, store.py ──▶ Redis ──▶ series.py ──▶ views.py   /api/pulse
    heartbeats ─────▶   (hashes that expire)    └─────▶ live.py ──▶ /ws/events?pulse=1

Each source writes the sum of what it has counted in a slot of time under a name of its own, again
and again until the slot is over. So a write that is repeated does no harm, one that is lost is made
up for by the next, several processes are added up by the reader, and a process that starts anew is
another source. While Redis is away there is a gap, and nothing else.
"""

"""The states of a replica, who may change them, and what they mean. Nothing here touches Django.

::

    SCHEDULED ──▶ STARTING ──▶ LOADING ──▶ READY ──▶ DRAINING ──▶ STOPPED
        node accepts ┘   replica ┘   replica ┘   ▲│       ▲ └ node, replica
                                       replica ──┘│       └ control (asked to stop),
                          (engine is replaced)────┘         replica (is told to end by its host)
    any of them ──▶ FAILED   replica (says why), node (process ended), control (no progress)
    any of them ──▶ LOST     control (node silent, or it no longer knows the replica)

Messages may be lost or overtake each other, so a report may skip states ahead; only a report
that is newer than the last one (``Replica.reported``) may go back from READY to LOADING.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ReplicaState(StrEnum):
    SCHEDULED = "scheduled"
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"


class Owner(StrEnum):
    """Who may take an arrow."""

    CONTROL = "control"
    NODE = "node"
    REPLICA = "replica"


class LaunchState(StrEnum):
    """What users see of a launch; derived, never stored."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


S, O = ReplicaState, Owner  # noqa: E741

#: serves, or is on the way to
WANTED: Final = frozenset({S.SCHEDULED, S.STARTING, S.LOADING, S.READY})
#: may have a process
LIVE: Final = WANTED | {S.DRAINING}
#: nothing follows
ENDED: Final = frozenset({S.STOPPED, S.FAILED, S.LOST})

_BOTH: Final = frozenset({O.NODE, O.REPLICA})

#: arrow → who may take it
TRANSITIONS: Final[dict[tuple[ReplicaState, ReplicaState], frozenset[Owner]]] = {
    (S.SCHEDULED, S.STARTING): frozenset({O.NODE}),
    (S.SCHEDULED, S.LOADING): frozenset({O.REPLICA}),
    (S.SCHEDULED, S.READY): frozenset({O.REPLICA}),
    (S.STARTING, S.LOADING): frozenset({O.REPLICA}),
    (S.STARTING, S.READY): frozenset({O.REPLICA}),
    (S.LOADING, S.READY): frozenset({O.REPLICA}),
    (S.READY, S.LOADING): frozenset({O.REPLICA}),
    (S.READY, S.STOPPED): _BOTH,
    (S.DRAINING, S.STOPPED): _BOTH,
    **{(s, S.DRAINING): frozenset({O.CONTROL, O.REPLICA}) for s in WANTED},
    **{(s, S.FAILED): frozenset(O) for s in LIVE},
    **{(s, S.LOST): frozenset({O.CONTROL}) for s in LIVE},
}


def may_move(start: ReplicaState, end: ReplicaState, owner: Owner) -> bool:
    return owner in TRANSITIONS.get((start, end), frozenset())

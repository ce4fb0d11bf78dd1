"""Models, launches and nodes for the other apps: nobody outside imports anything else of this one
(but ``apps.models.tasks`` and the two ``worker`` modules, which processes start with).

Everything that changes something takes effect at once: it writes, and sends the orders that
follow after the commit. What gets lost on the way is made up for by the control plane.
"""

from __future__ import annotations

from apps.models.actions.built_in import set_built_in
from apps.models.actions.launching import (
    cancel,
    launch,
    relaunch,
    start_prewarmed,
    terminate,
    wake,
)
from apps.models.actions.prewarming import set_prewarm
from apps.models.actions.registering import edit, register, unregister
from apps.models.actions.replicas import (
    add_replicas,
    move_replica,
    remove_replica,
    scale,
    set_adapters,
    set_keeping,
)
from apps.models.actions.sharing import share
from apps.models.events.history import Page as EventPage
from apps.models.events.history import events, events_behind, last_event
from apps.models.orders import Adapter, LaunchOrder, Placement
from apps.models.pictures import (
    EventInfo,
    LaunchInfo,
    NodeInfo,
    ReplicaInfo,
    ServedModel,
    launch_info,
    launches,
    nodes,
    past_launches,
    running_launch,
    served_models,
)
from apps.models.pulse.points import ModelPoint as PulsePoint
from apps.models.pulse.store import BEAT as PULSE_BEAT
from apps.models.pulse.store import Step as PulseStep
from apps.models.pulse.store import store as pulse_store
from apps.models.pulse.telling import Slots as PulseSlots
from apps.models.registrations import RegistrationInfo, registration, registrations

__all__ = [
    "PULSE_BEAT",
    "Adapter",
    "EventInfo",
    "EventPage",
    "LaunchInfo",
    "LaunchOrder",
    "NodeInfo",
    "Placement",
    "PulsePoint",
    "PulseSlots",
    "PulseStep",
    "RegistrationInfo",
    "ReplicaInfo",
    "ServedModel",
    "add_replicas",
    "cancel",
    "edit",
    "events",
    "events_behind",
    "last_event",
    "launch",
    "launch_info",
    "launches",
    "move_replica",
    "nodes",
    "past_launches",
    "pulse_store",
    "register",
    "registration",
    "registrations",
    "relaunch",
    "remove_replica",
    "running_launch",
    "scale",
    "served_models",
    "set_adapters",
    "set_built_in",
    "set_keeping",
    "set_prewarm",
    "share",
    "start_prewarmed",
    "terminate",
    "unregister",
    "wake",
]

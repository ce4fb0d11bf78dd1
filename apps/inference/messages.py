"""The messages of the data plane, between web processes and replicas.

Envelopes travel by Celery (web → replica), all others by Channels, msgpack inside. The key of a
request on its way is ``<rid>.<attempt>``: whatever carries an older attempt is ignored by the web
process, which owns the request.

Order and loss. A replica numbers its ``Frames`` per destination. Channels delivers at most once,
so the receiver asks for what it missed (``Resend``) and the sender keeps a window. ``Tail`` tells
once a second what was sent last and what runs, so that loss of the very last message, or of a
whole request, is noticed, too. ``stream`` names one numbering: it changes when a replica forgot a
destination and met it again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from xplatform.engines.protocol import Delta, Message, Submit

# --- web → replica ----------------------------------------------------------------------------


class Envelope(Message, frozen=True):
    """By Celery, on the model's queue."""

    key: str
    model: str
    #: channel of the web process that waits
    reply: str
    #: seconds since the epoch; later nobody waits any more
    deadline: float
    submit: Submit


class Abort(Message, frozen=True, tag="abort"):
    reply: str
    keys: tuple[str, ...]


class Resend(Message, frozen=True, tag="resend"):
    """Send again what was sent to ``reply`` in ``stream`` from ``first`` to ``last``."""

    reply: str
    stream: int
    first: int
    last: int


class WebBeat(Message, frozen=True, tag="web"):
    """This web process lives and still waits for you."""

    reply: str


# --- replica → web ----------------------------------------------------------------------------


class Frames(Message, frozen=True, tag="frames"):
    """What became of this web process's requests in one step."""

    replica: str
    epoch: int
    stream: int
    seq: int
    #: keys that were taken from the queue
    started: tuple[str, ...] = ()
    deltas: tuple[Delta, ...] = ()
    #: keys that this replica had to give up, through no fault of theirs
    lost: tuple[str, ...] = ()
    reason: str = ""


class Tail(Message, frozen=True, tag="tail"):
    replica: str
    epoch: int
    stream: int
    seq: int
    #: this web process's requests that run here
    keys: tuple[str, ...]


class Gone(Message, frozen=True, tag="gone"):
    """The asked-for numbers are no longer in the window; ``seq`` is the next that will come."""

    replica: str
    epoch: int
    stream: int
    seq: int


# --- replica → all web processes --------------------------------------------------------------


class Beat(Message, frozen=True, tag="beat"):
    """Sent every second and at each change of state."""

    replica: str
    epoch: int
    model: str
    #: loading, ready, draining, stopped
    state: str
    slots: int
    running: int
    kind: str = "llm"
    context_length: int = 0
    abilities: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    details: dict[str, Any] = {}
    progress: float = 0.0
    message: str = ""
    #: adapters that can be called
    adapters: tuple[str, ...] = ()
    #: how the last look at its health ended: seconds it took, 0: none yet
    probe_seconds: float = 0.0


# --- between web processes --------------------------------------------------------------------


class Seek(Message, frozen=True, tag="seek"):
    """To all: who has the request of this name, sent with this API key (its id)? The one answers
    with ``Found``; nobody else says anything."""

    id: str
    reply: str
    name: str
    key: str
    #: only if it is for this model; empty: whichever
    model: str = ""
    #: end it
    abort: bool = False
    #: … and refuse requests of this name for so long
    block_seconds: float = 0.0


class Found(Message, frozen=True, tag="found"):
    id: str
    model: str
    #: queued, running, done
    state: str
    progress: float
    #: in the waiting line of its web process, from 1; 0: it is not waiting
    position: int = 0
    message: str = ""


class Census(Message, frozen=True, tag="census"):
    """To all: which requests of this model run with you? The answer is a list of ``InFlight``,
    put where ``xplatform.core.channels.answer_call`` says."""

    answer: str
    model: str
    #: end the one of this id, and tell of it alone
    end: str = ""
    #: what its caller is told
    why: str = ""
    #: tell of the one of this id alone
    only: str = ""


class InFlight(Message, frozen=True):
    #: of this process's making: nobody else has it
    id: str
    #: the caller's name for it, or the one that it was given; as in the logs
    request_id: str
    model: str
    #: the caller's
    project: str
    kind: str
    stream: bool
    #: waiting, running
    state: str
    #: Unix time
    since: float
    #: that came so far
    tokens: int
    #: ``Exchange.sender``
    sender: str
    key: str
    user: str
    user_id: int | None = None


ToReplica = Abort | Resend | WebBeat
ToWeb = Frames | Tail | Gone | Beat | Seek | Found | Census

_encoder = msgspec.msgpack.Encoder()
_to_web: msgspec.msgpack.Decoder[ToWeb] = msgspec.msgpack.Decoder(ToWeb)
_to_replica: msgspec.msgpack.Decoder[ToReplica] = msgspec.msgpack.Decoder(ToReplica)
_in_flight = msgspec.msgpack.Decoder(list[InFlight])
_envelope: msgspec.msgpack.Decoder[Envelope] = msgspec.msgpack.Decoder(Envelope)


def encode(message: Message | list[InFlight]) -> bytes:
    return _encoder.encode(message)


def decode_to_web(data: bytes) -> ToWeb:
    return _to_web.decode(data)


def decode_to_replica(data: bytes) -> ToReplica:
    return _to_replica.decode(data)


def decode_envelope(data: bytes) -> Envelope:
    return _envelope.decode(data)


def decode_in_flight(data: bytes) -> list[InFlight]:
    return _in_flight.decode(data)

"""What replicas really take, as their nodes measure it: placement counts with it, and estimates of
later launches are corrected by it.

A peak above what was expected is learned at once, since it is what ends launches. One below is
learned when a replica ends that had time to come to its peak: a fresh or idle one proves nothing.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.models.facts import learn
from apps.models.models import MemorySample, Model, Replica
from apps.models.reports import Listed
from apps.models.states import ReplicaState

#: a new peak is written when it is so much higher
_STEP = 1.02
#: a replica that was ready for this long has come to its peak
_LIVED = timedelta(minutes=5)


def note(replica: Replica, item: Listed) -> None:
    """A heartbeat's word on a live replica."""
    measured = item.device_memory if replica.devices else item.memory
    if measured <= replica.memory_peak * _STEP:
        return
    Replica.objects.filter(pk=replica.pk, epoch=replica.epoch).update(memory_peak=measured)
    replica.memory_peak = measured
    if replica.state == ReplicaState.READY:
        model = replica.launch.model
        if measured > expected(model, replica):
            learn_from(model, replica)


def note_end(model: Model, replica: Replica) -> None:
    """It has ended, and will take no more."""
    if replica.ready_at is not None and timezone.now() - replica.ready_at >= _LIVED:
        learn_from(model, replica)


def expected(model: Model, replica: Replica) -> int:
    """Bytes of the same kind as its peak: on its devices, or without any in the machine."""
    estimate = model.estimate
    device, host = int(estimate.get("device") or 0), int(estimate.get("host") or 0)
    return device if replica.devices else int(estimate.get("host_alone") or device + host)


def learn_from(model: Model, replica: Replica) -> None:
    key, corrected = model.estimate.get("key"), expected(model, replica)
    if not key or not corrected or not replica.memory_peak:
        return
    # What was expected has earlier corrections in it; those are not to be learned twice.
    estimated = int(corrected / float(model.estimate.get("correction") or 1.0))
    kept = 0 if replica.devices else int(model.estimate.get("kept") or 0)
    sample, _ = MemorySample.objects.get_or_create(key=key, defaults={"ratio": 1.0, "count": 0})
    sample.ratio = learn(sample.ratio, sample.count, replica.memory_peak, estimated, kept)
    sample.count += 1
    sample.changed = timezone.now()
    sample.save()

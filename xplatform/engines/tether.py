"""A child that never outlives its parent, even when the parent is killed with -9.

On Linux the kernel does it (parent-death signal). The signal is tied to the *thread* that
started the child, so children must be started from a thread that lives as long as the process.
Elsewhere a watching thread does it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1


def tie_to_parent(parent: int, sig: int = signal.SIGKILL) -> None:
    """Called first thing in the child; ``parent`` is the pid the child was told is its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, sig, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, sig), name="tether", daemon=True).start()
    if os.getppid() != parent:
        # The parent died before the call above took hold.
        os.kill(os.getpid(), sig)


def _watch(parent: int, sig: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), sig)

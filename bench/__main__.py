"""``python -m bench [names…] [--quick] [--json FILE]``"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import time
import traceback
from pathlib import Path

from bench.report import Report

#: in this order, the quick and quiet ones first
GROUPS = {
    "footprint": "memory when idle, time to start, time to launch the demo model",
    "auth": "who asks and whether they may, from memory",
    "latency": "small answers on a kept-alive connection",
    "streams": "the fake engine: speed, cost, order, first token",
    "starts": "a model that is launched, and one that is called while it is stopped",
    "llama": "llama.cpp: a tiny model and the demo model against the engine alone",
    "embeddings": "a tiny BERT, one text a request",
    "limits": "the same requests with and without limits on their key",
    "control": "one pass of the control plane over a large cluster, on both databases",
    "console": "the web console in a browser: how soon, how long a table, how much is left behind",
    "faults": "kill, freeze and leave, and how long it takes to heal",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m bench",
        description="Measure what the server promises, on this machine, against floors and "
        "against the engines alone.",
        epilog="groups: " + "; ".join(f"{name}: {text}" for name, text in GROUPS.items()),
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, no proof")
    parser.add_argument(
        "--patience",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="let each round wait this long for a machine without other work, and repeat noisy "
        "ones",
    )
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), metavar="FILE")
    parser.add_argument("--peer", metavar="URL", help="a running Xinference, to compare with")
    parser.add_argument("--peer-key", metavar="KEY", help="what lets us in there")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - {*GROUPS, "peers"}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    # Servers are ended by `finally`, which a plain SIGTERM would skip.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report(arguments.quick, arguments.patience)
    names = arguments.names or list(GROUPS)
    if arguments.peer and "peers" not in names:
        names = [*names, "peers"]
    failed = []
    for name in names:
        print(f"\n=== {name}: {GROUPS.get(name, 'side by side with another server')}", flush=True)
        began = time.perf_counter()
        try:
            module = importlib.import_module(f"bench.{name}")
            if name == "peers":
                module.bench(report, arguments.peer, arguments.peer_key)
            else:
                module.bench(report)
        except KeyboardInterrupt:
            break
        except Exception:
            # One group's failure must not hide what the others show.
            traceback.print_exc()
            failed.append(name)
        print(f"({name} took {time.perf_counter() - began:.0f} s)", flush=True)
    print(report.summary())
    report.save(arguments.json)
    print(f"\nRaw numbers are in {arguments.json}.")
    for name in failed:
        print(f"The group {name} broke off; see above.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Entry of an engine process: ``python -P …/engines/__main__.py NAME SOCKET PARENT_PID``.

Run by file, in the engine's own environment. The package is put into ``sys.modules`` by hand so
that neither the server's site-packages nor this folder (which has a module per engine, named
much like the libraries they use) come onto ``sys.path``.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from pathlib import Path


def _mount(name: str, folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)


def main() -> int:
    name, socket_path, parent = sys.argv[1], sys.argv[2], int(sys.argv[3])
    logging.basicConfig(
        level=os.environ.get("XPLATFORM_LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    _mount("engines", Path(__file__).resolve().parent)
    from engines.link import Link, LinkBroken  # type: ignore[import-not-found]
    from engines.registry import engine_class  # type: ignore[import-not-found]
    from engines.tether import tie_to_parent  # type: ignore[import-not-found]

    tie_to_parent(parent)
    engine = engine_class(name)()
    try:
        engine.run(Link.connect(socket_path))
    except LinkBroken as error:
        logging.getLogger("engines").info("ending: %s", error)
    except KeyboardInterrupt:
        pass
    sys.stdout.flush()
    sys.stderr.flush()
    # Libraries with threads of their own (torch, llama.cpp) may hang or abort in their
    # destructors; everything was closed above.
    os._exit(0)


if __name__ == "__main__":
    main()

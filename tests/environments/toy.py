"""An engine "toy" whose one requirement is a wheel made here, installed without any network.

As a program: ``python toy.py FOLDER [die=STAGE]`` installs it, and kills itself at that stage.
"""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import sys
import zipfile
from pathlib import Path

from xplatform.core.config import Settings
from xplatform.engines import registry
from xplatform.environments import install, store


def make_wheel(folder: Path, name: str = "toylib", version: str = "1.0", size: int = 10) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n".encode(),
        f"{name}/data.bin": os.urandom(size),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        record = ""
        for file, content in files.items():
            wheel.writestr(file, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record += f"{file},sha256={digest.decode()},{len(content)}\n"
        wheel.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return path


def use_toy(folder: Path, requirements: str = "toylib==1.0\n") -> Settings:
    """Register the engine; its requirements and wheels are in the folder."""
    (folder / "requirements").mkdir(parents=True, exist_ok=True)
    file = folder / "requirements" / "toy.txt"
    if not file.exists():
        file.write_text(requirements)
    registry.ENGINES["toy"] = registry.EngineEntry("toy", "toy", "Toy", "1", "toy.txt", "a toy")
    store.REQUIREMENTS = folder / "requirements"
    return Settings(home=str(folder / "home"), engine_index=str(folder / "wheels"))


def main(folder: Path, die: str) -> None:
    settings = use_toy(folder)

    def report(stage: str, fraction: float, line: str) -> None:
        print(stage, fraction, line, flush=True)
        if stage == die:
            os.kill(os.getpid(), signal.SIGKILL)

    print(install("toy", settings, report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2].partition("=")[2] if len(sys.argv) > 2 else "")

"""What the image installs: a wheel of the files that the Dockerfile copies, nothing missing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.deploy.compose import ROOT


def test_wheel_is_complete(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for words in re.findall(r"^COPY (?!--from)(.*)", (ROOT / "Dockerfile").read_text(), re.M):
        for name in words.split()[:-1]:
            if name.startswith("frontend"):
                continue  # what it is built into lies in the package
            if (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, source / name, ignore=ignore)
            else:
                shutil.copy(ROOT / name, source / name)
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, source,
        ],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("xplatform-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for folder in ("apps", "xplatform")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.suffix in (".py", ".txt", ".gguf", ".html", ".css", ".js", ".svg", ".jinja")
    }
    assert wanted | {"celeryconfig.py"} <= inside, wanted - inside

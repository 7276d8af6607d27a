"""An environment with OpenMMLab's packages, which cannot live beside this project's: made once, in the user's cache."""

import os
import subprocess
import venv
from pathlib import Path

import torch

__all__ = ["ENVIRONMENT", "openmmlab_python"]

ENVIRONMENT = "OPENMMLAB_PYTHON"
"""Names the python of an environment that already has the packages."""

PACKAGES = (
    "mmpretrain==1.2.0",
    "mmselfsup==1.0.0",
    "mmcls==1.0.0rc6",
    "mmcv-lite==2.0.1",
    "mmengine==0.10.7",
    "torchvision",
    "setuptools<81",
)


def openmmlab_python() -> str:
    """The python of the environment, which is made where it is missing.

    torch is that of this environment, so that both sides run the same build.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        return named
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "graph-composer/openmmlab"
    python, finished = folder / "bin/python", folder / "finished"
    wanted = "\n".join([torch.__version__, *PACKAGES])
    if not finished.exists() or finished.read_text() != wanted:
        print(f"installing {', '.join(PACKAGES)} into {folder}", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "torch.pth").write_text(f"{Path(torch.__file__).parents[1]}\n")
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        finished.write_text(wanted)
    return str(python)

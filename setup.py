"""The packages of twinspike: found in the root folders, so that a new folder needs no entry anywhere.

pyproject.toml maps each root folder to a subpackage ("twinspike.hw" is the folder hw/), which setuptools'
own discovery cannot do.
"""

from setuptools import find_packages, setup

FOLDERS = ("numerics", "quant", "model", "sim", "hw", "host", "configs", "pretrained")

inside = find_packages(include=["twinspike", "twinspike.*"])
mapped = [f"twinspike.{name}" for top in FOLDERS for name in find_packages(include=[top, f"{top}.*"])]
setup(packages=inside + mapped)

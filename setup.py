"""What pyproject.toml cannot say: the packages of twinspike, and its README with links from anywhere.

pyproject.toml maps each root folder to a subpackage ("twinspike.hw" is the folder hw/), which setuptools'
own discovery cannot do; so a new folder needs no entry anywhere.
"""

import re
import tomllib
from pathlib import Path

from setuptools import find_packages, setup

FOLDERS = ("numerics", "quant", "model", "sim", "hw", "host", "configs", "pretrained")
HERE = Path(__file__).parent

inside = find_packages(include=["twinspike", "twinspike.*"])
mapped = [f"twinspike.{name}" for top in FOLDERS for name in find_packages(include=[top, f"{top}.*"])]
home = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]


def absolute(link: re.Match[str]) -> str:
    """A link to a file of the repository, as a package index needs it: pictures raw, pages as shown."""
    mark, target = link["mark"], link["target"]
    return f"{mark}({home}/{'raw' if mark.startswith('!') else 'blob'}/main/{target})"


readme = (HERE / "README.md").read_text(encoding="utf-8")
readme = re.sub(r"(?P<mark>!?\[[^\[\]]*\])\((?P<target>(?!https?:|#)[^()\s]+)\)", absolute, readme)
# A picture that is a link: what is inside has been seen to.
readme = re.sub(
    r"(?P<mark>\[!\[[^\[\]]*\]\([^()]*\)\])\((?P<target>(?!https?:|#)[^()\s]+)\)", absolute, readme
)
readme = re.sub(r"<!-- /?fill[^>]*-->", "", readme)
setup(packages=inside + mapped, long_description=readme, long_description_content_type="text/markdown")

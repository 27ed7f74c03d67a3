"""The picture of a report in README and docs, as Chromium shows it: `make screenshot` after `make report`."""

import base64
import sys
import tempfile
from pathlib import Path

from support.chromium import Chromium, find_chromium

WIDTH, HEIGHT = 1280, 900  # pixels
# An image on its way through the network.
START = "document.getElementById('samples').getBoundingClientRect().top + scrollY"


def take(page: Path, picture: Path) -> None:
    """Open the report and write a screenful from where its samples begin."""
    program = find_chromium()
    if program is None:
        sys.exit("no Chromium: apt install chromium, or name it in CHROMIUM")
    if not page.is_file():
        sys.exit(f"{page} is not there: make report CONFIG=mnist writes it")
    with tempfile.TemporaryDirectory() as profile, Chromium(program, Path(profile)) as browser:
        browser.open(page, width=WIDTH, height=HEIGHT)
        top = browser.evaluate(START)
        clip = {"x": 0, "y": top - 24, "width": WIDTH, "height": HEIGHT, "scale": 1}
        taken = browser("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        picture.write_bytes(base64.b64decode(taken["data"]))


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))

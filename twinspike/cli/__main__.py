"""`python -m twinspike.cli`: the command line without its installed script, for torchrun and the like."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())

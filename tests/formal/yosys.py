"""yosys from the pyosys package under the interface that sby uses: ``yosys -ql LOG SCRIPT``."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run a script with everything that yosys says going to the log; an error ends with status 1."""
    flag, log, script = sys.argv[1:]
    if flag != "-ql":
        raise SystemExit(f"yosys {flag} is not what sby asks for")
    # Loaded late: it takes over the process's symbol table.
    from pyosys import libyosys

    os.dup2(os.open(Path(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    libyosys.Design().run_pass(f"script {script}")


if __name__ == "__main__":
    main()

"""yosys from the pyosys package as a program: ``python -m twinspike.hw.tools.yosys -s script.ys``."""

import argparse


def main() -> None:
    """Run a yosys script; output goes to stdout and an error in it ends the process with status 1."""
    parser = argparse.ArgumentParser(prog="twinspike.hw.tools.yosys", description=main.__doc__)
    parser.add_argument("-s", "--script", required=True, help="file of yosys commands")
    script = parser.parse_args().script
    # Loaded late: it takes over the process's symbol table.
    from pyosys import libyosys

    libyosys.Design().run_pass(f"script {script}")


if __name__ == "__main__":
    main()

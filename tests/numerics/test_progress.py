"""Progress in a log and on a terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

PROGRAM = """
import time
from twinspike.numerics import progress
progress.LINE_SECONDS = 0.2
with progress.Bar(total=4, desc="work", unit="batch") as bar:
    for n in range(4):
        time.sleep({seconds})
        bar.set_postfix(loss=n)
        bar.update()
        progress.say(f"done {{n}}")
"""


def program(seconds):
    return [sys.executable, "-c", PROGRAM.format(seconds=seconds)]


def test_a_log_gets_plain_lines_and_no_bar():
    said = subprocess.run(program(0.3), capture_output=True, text=True, check=True).stderr
    assert "\r" not in said and "%" not in said and "\x1b" not in said
    lines = said.splitlines()
    assert [line for line in lines if line.startswith("done")] == [f"done {n}" for n in range(4)]
    told = [line for line in lines if line.startswith("work: batch ")]
    assert len(lines) == len(told) + 4 and len(told) >= 3
    assert told[-1].startswith("work: batch 4 of 4, ") and told[-1].endswith("loss=3")


def test_what_takes_no_time_gets_no_line():
    said = subprocess.run(program(0), capture_output=True, text=True, check=True).stderr
    assert said.splitlines() == [f"done {n}" for n in range(4)]


def test_a_terminal_gets_a_bar():
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    running = subprocess.Popen(program(0.15), stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    assert running.wait() == 0
    assert b"\r" in said and b"work: 100%" in said


def test_a_log_says_how_many_there_were_where_nobody_knew():
    code = PROGRAM.format(seconds=0.3).replace("total=4, ", "").replace("bar.set_postfix(loss=n)", "pass")
    code = code.replace("bar.update()", 'bar.set_description_str("more work"); bar.update()')
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    assert said.splitlines()[-1].startswith("more work: batch 4, ")
    assert " to go" not in said and "?" not in said

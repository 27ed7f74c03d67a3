"""README's snippets do what they show."""

import re
from pathlib import Path

import numpy as np
from support.optional import needs

ROOT = Path(__file__).parents[1]


def snippet(language):
    (text,) = re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    return text


@needs("datasets")
def test_the_python_snippet_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    images = np.zeros((2, 28, 28), np.uint8)
    exec(compile(snippet("python"), "README.md", "exec"), {"images": images})
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "True" and re.match(r"\[\d+ \d+\] \[\d+ \d+\]$", said[0])
    assert (tmp_path / "out" / "twinspike_core.v").is_file()


def test_the_verilog_snippet_names_ports_of_the_core():
    ports = set(re.findall(r"\.(\w+)\(", snippet("verilog")))
    known = {"clk", "rst"} | {
        f"{stream}_{signal}"
        for stream in ("s_axis", "m_axis", "m_result")
        for signal in ("tdata", "tvalid", "tready", "tlast")
    }
    assert {"clk", "rst", "s_axis_tdata", "m_result_tdata"} <= ports <= known


def test_the_shell_snippets_name_commands_and_options_that_there_are(capsys):
    from twinspike.cli.main import main

    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("twinspike ")]
    assert len(lines) >= 4
    for line in lines:
        command, *words = line.partition("#")[0].split()[1:]
        assert main([command, "--help"]) == 0
        help = capsys.readouterr().out
        assert all(word in help for word in words if word.startswith("--")), line

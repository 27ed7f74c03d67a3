"""Modules of generated Verilog as an engineer writes them: ANSI ports in order, a comment, plain names.

None of it changes what a module does: names, the form of the header, and where memory images are looked for.
"""

import collections
import re
from collections.abc import Mapping

from .describe import Part
from .names import KEYWORDS
from .verilog import IDENTIFIER

# The parameter of a module that reads memory images, or has one in it that does.
FOLDER = "MEMORIES"
_FOLDER_COMMENT = "folder of the .mem files, with a slash at its end; empty: where the tool looks"

_MODULE = re.compile(r"module (?P<name>\w+)\((?P<ports>.*?)\);\n", re.DOTALL)
_INSTANCE = re.compile(rf"^  (?P<module>\w+) (?P<name>{IDENTIFIER}) ?\(\n", re.MULTILINE)
# What a wire that nothing clocks was said to begin with.
_INIT = re.compile(r"^  \(\* init = .*\*\)\n(?=  wire )", re.MULTILINE)
_ESCAPED = re.compile(r"\\(\S+) ")
_EDGE = re.compile(
    rf"^  always @\(posedge {IDENTIFIER}\)\n    (?P<register>{IDENTIFIER}) ?<= (?P<next>t\d+);\n",
    re.MULTILINE,
)


def read_image(name: str, memory: str) -> str:
    """The lines that fill `memory` from image `name` of the folder that the parameter says."""
    block = "gen_" + re.split(r"[\\$ ]+", f" {memory}")[1]
    return (
        f'  generate if ({FOLDER} == "") begin : {block}_by_name\n'
        f'    initial $readmemb("{name}", {memory});\n'
        f"  end else begin : {block}_in_folder\n"
        f'    initial $readmemb({{{FOLDER}, "{name}"}}, {memory});\n  end endgenerate'
    )


def readable(text: str, parts: Mapping[str, Part], top: str, inner: str = "") -> str:
    """The modules of `text`, each under its part's docstring and with its ports in that part's order.

    `top`, and a module `inner` that stands in another file, have the parameter for memory images.
    """
    text = plain_identifiers(_INIT.sub("", text))
    head, *modules = re.split(r"^(?=module )", text, flags=re.MULTILINE)
    reading = _reading(modules, {top, inner})
    return head + "".join(_module(module, parts, reading) for module in modules)


def plain_identifiers(text: str) -> str:
    """Verilog whose escaped names are plain where they can be: `\\spikes.mask ` becomes `spikes__mask`.

    A number alone, as intermediate values have it, gets a letter: `\\$12 ` becomes `t12`. Equal names stay
    equal in all modules, for they may be ports; keywords stay escaped.
    """
    taken = set(re.findall(r"(?<![\\\w$.])[A-Za-z_]\w*", text)) | KEYWORDS
    plain: dict[str, str] = {}
    for name in sorted(set(_ESCAPED.findall(text)), key=lambda name: (len(name), name)):
        if name in KEYWORDS:
            continue
        new = re.sub(r"^\$(?=\d+$)", "t", name).lstrip("$").replace(".", "__")
        new = re.sub(r"\W", "_", new)
        new = new if re.match("[A-Za-z_]", new) else f"t{new}"
        while new in taken:
            new += "_"
        taken.add(new)
        plain[name] = new
    return _ESCAPED.sub(lambda found: plain.get(found[1], found[0]), text)


def _reading(modules: list[str], reading: set[str]) -> set[str]:
    """Names of the modules that read images themselves or through one in them, as those in `reading` do."""
    inside: dict[str, set[str]] = {}
    for module in modules:
        name = re.match(r"module (\w+)", module)[1]  # type: ignore[index]
        inside[name] = {found["module"] for found in _INSTANCE.finditer(module)}
        if "$readmem" in module:
            reading = reading | {name}
    while more := {name for name, held in inside.items() if held & reading} - reading:
        reading |= more
    return reading


def _module(text: str, parts: Mapping[str, Part], reading: set[str]) -> str:
    found = _MODULE.match(text)
    assert found, text[:200]
    part = parts.get(found["name"], Part((), ""))
    body = _name_next_values(text[found.end() :])
    ports = [name.strip() for name in found["ports"].split(",")]
    declared = {}
    for name in ports:
        declared[name], body = _take_declaration(body, name)
    ports.sort(key=lambda name: _place(name, part.ports))
    lines = ",\n".join(f"  {declared[name]}" for name in ports)
    folder = f' #(\n  // {_FOLDER_COMMENT}\n  parameter {FOLDER} = ""\n)' if found["name"] in reading else ""
    body = _INSTANCE.sub(lambda instance: _pass_folder(instance, reading), body)
    comment = "".join(f"// {line}".rstrip() + "\n" for line in part.text.splitlines())
    return f"{comment}module {found['name']}{folder} (\n{lines}\n);\n{body}"


def _pass_folder(instance: re.Match[str], reading: set[str]) -> str:
    if instance["module"] not in reading:
        return instance[0]
    return f"  {instance['module']} #(.{FOLDER}({FOLDER})) {instance['name']} (\n"


def _place(name: str, order: tuple[str, ...]) -> tuple[int, int]:
    """Clock and reset first, then as declared (a name used twice has a number behind), then the others."""
    base = re.sub(r"_\d+_*$", "", name.lstrip("\\"))
    first = ("clk", "rst")
    for rank, names in enumerate((first, order)):
        for candidate in (name.lstrip("\\"), base):
            if candidate in names:
                return rank, names.index(candidate)
    return 2, 0


def _take_declaration(body: str, name: str) -> tuple[str, str]:
    """The port's declaration in ANSI form, and the body without its two lines."""
    declared = re.search(
        rf"^(?:  \(\*.*\*\)\n)?  (?P<way>input|output) (?P<shape>[^;]*?)(?P<name>{re.escape(name)}) ?;\n"
        rf"(?:  \(\*.*\*\)\n)?  (?P<kind>wire|reg) [^;=]*?{re.escape(name)} *(?P<value>= [^;]+)?;\n",
        body,
        re.MULTILINE,
    )
    assert declared, name
    form = f"{declared['way']:6} {declared['kind']:4} {declared['shape']}"
    own = f"{name} " if name.startswith("\\") else name
    value = f" {declared['value']}" if declared["value"] else ""
    return f"{form}{own}{value}", body[: declared.start()] + body[declared.end() :]


def _name_next_values(body: str) -> str:
    """What a register takes at every edge is called after the register."""
    taken = set(re.findall(r"\w+", body))
    count = collections.Counter(found["next"] for found in _EDGE.finditer(body))
    names = {}
    for found in _EDGE.finditer(body):
        new = f"{found['register'].strip().lstrip(chr(92))}_next"
        if count[found["next"]] == 1 and new not in taken:
            taken.add(new)
            names[found["next"]] = new
    return re.sub(r"\bt\d+\b", lambda found: names.get(found[0], found[0]), body)

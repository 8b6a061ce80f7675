"""Layering: who may include what (ARCHITECTURE.md); a folder is a layer, includes only go down."""
import os
import re

import pytest

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src")
LAYERS = {
    "base": {"base"},
    "wire": {"base", "wire"},
    "worker": {"base", "wire", "worker"},
    "session": {"base", "wire", "session"},
    "mcp": {"base", "session", "mcp"},
    "transport": {"base", "transport"},
    "control": {"base", "wire", "session", "control"},
    "cli": {"base", "wire", "session", "control", "cli"},
}
# library header -> folders that may include it; main.c may include anything
LIBRARIES = {
    r"libssh/": {"worker"},
    r"libtsm\.h": {"worker"},
    r"openssl/": {"worker", "session"},
    r"jansson\.h": {"mcp", "cli"},
    r"uv\.h": {"session", "transport", "control", "cli"},
    r"microhttpd\.h": {"transport"},
}
FORBIDDEN = (r"\bpthread_\w+", r"<pthread\.h>", r"<threads\.h>", r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|system|popen)\s*\(")


def sources():
    for folder, _, files in os.walk(SOURCE):
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                path = os.path.normpath(os.path.join(folder, name))
                yield os.path.relpath(path, SOURCE), path


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def without_comments_and_strings(text):
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n])*\'', " ", text, flags=re.S)


def layer_of(relative):
    return relative.split(os.sep)[0] if os.sep in relative else None


ALL = list(sources())


def test_there_is_something_to_check():
    assert len(ALL) > 20


@pytest.mark.parametrize("relative,path", ALL, ids=[relative for relative, _ in ALL])
def test_a_file_keeps_to_its_layer(relative, path):
    text, layer = read(path), layer_of(relative)
    faults = [f"{match.group(0)}" for pattern in FORBIDDEN
              for match in re.finditer(pattern, without_comments_and_strings(text))]
    if layer is not None:
        for include in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, flags=re.M):
            target = include.split("/")[0]
            if target not in LAYERS[layer]:
                faults.append(f'includes "{include}"')
        for include in re.findall(r"^\s*#\s*include\s+<([^>]+)>", text, flags=re.M):
            for library, folders in LIBRARIES.items():
                if re.match(library, include) and layer not in folders:
                    faults.append(f"includes <{include}>")
    assert not faults, f"{relative}: {faults}"

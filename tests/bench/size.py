"""How large the files are, and what is in them."""

import os
import subprocess

from stand import PROGRAMS

BINARY_KIB = 448


def measure(stand, table):
    table.start("size, bytes")
    sizes = {name: path.stat().st_size for name, path in PROGRAMS.items()}
    table.row(
        "program", goal=f"<= {BINARY_KIB} KiB", met=sizes["gateway"] <= BINARY_KIB * 1024, **sizes
    )
    table.row("ZIP file with it", **{name: zipped(stand, path) for name, path in PROGRAMS.items()})
    parts = {name: sections(path) for name, path in PROGRAMS.items()}
    for i, part in enumerate(("text", "data", "bss")):
        table.row(part, **{name: values[i] for name, values in parts.items()})


def zipped(stand, path):
    """As scripts/dist does it."""
    bootstrap = stand.folder / "bootstrap"
    os.symlink(path, bootstrap)
    try:
        return len(
            subprocess.run(
                ["zip", "-q", "-X", "-9", "-", "bootstrap"], cwd=stand.folder,
                stdout=subprocess.PIPE, check=True,
            ).stdout
        )
    finally:
        bootstrap.unlink()


def sections(path):
    return [
        int(word)
        for word in subprocess.run(["size", path], stdout=subprocess.PIPE, text=True, check=True)
        .stdout.split("\n")[1]
        .split()[:3]
    ]

#!/usr/bin/env python3
"""Third-party notices of the callsift binary: every crate that is compiled in, with its licence and the licence's text.

    python3 packaging/notices.py > THIRD-PARTY-NOTICES

Reads `cargo metadata` and the sources that cargo keeps; needs no network where the project was built. The licences
themselves are judged by `make deny`."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ("license", "licence", "copying", "notice", "unlicense", "copyright")
# Trees of C and C++ within crates whose own licences count, too.
DEPTH = 4


def compiled_in(metadata):
    """Packages that `callsift-cli` is compiled from, without those for tests."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    start = next(i for i, package in packages.items() if package["name"] == "callsift-cli")
    seen, queue = {start}, [start]
    while queue:
        for dependency in nodes[queue.pop()]["deps"]:
            kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
            if kinds != {"dev"} and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                queue.append(dependency["pkg"])
    found = [packages[i] for i in seen if packages[i]["source"]]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def texts(folder):
    """Licence texts of a crate by path within it."""
    for base, folders, files in sorted(os.walk(folder)):
        depth = len(Path(base).relative_to(folder).parts)
        if depth >= DEPTH:
            folders.clear()
        for name in sorted(files):
            if name.lower().startswith(TEXTS) and not name.endswith((".rs", ".py", ".toml", ".yml")):
                path = Path(base) / name
                yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8", errors="replace").strip()


def main():
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target()]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    by_text, lines, without = {}, [], []
    for package in compiled_in(metadata):
        name = f"{package['name']} {package['version']}"
        licence = package["license"] or f"see {package['license_file']}"
        lines.append(f"{name}: {licence}")
        found = list(texts(Path(package["manifest_path"]).parent))
        for _, text in found:
            by_text.setdefault(text, []).append(name)
        if not found:
            without.append(f"{name}: {licence}")
    print("Third-party software in callsift\n")
    print("The binary is compiled from these crates:\n")
    print("\n".join(lines))
    print("\nThese crates come without a file of their licence; its text is that of the same licence below:\n")
    print("\n".join(without))
    for text, names in sorted(by_text.items(), key=lambda item: item[1]):
        print("\n" + "=" * 78 + "\n" + ", ".join(dict.fromkeys(names)) + "\n\n" + text)


def target():
    host = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    return next(line.removeprefix("host: ") for line in host.splitlines() if line.startswith("host: "))


if __name__ == "__main__":
    sys.exit(main())

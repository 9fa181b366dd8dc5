#!/usr/bin/env python3
"""Packs a callsift binary into a tarball, a Debian package and a Python wheel that need no compiler.

    python3 packaging/build.py --binary target/dist/callsift --env .callsift --out target/packages

`make dist` builds the binary and calls this. Standard library only; `strip`, `objdump` and `dpkg-deb` come with
Debian's build tools. The same inputs give the same bytes."""

import argparse
import base64
import gzip
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "callsift"
SUMMARY = "Quality inspection of call-centre recordings in Mandarin, on one machine, offline"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, **more)
    if done.returncode:
        said = done.stderr if isinstance(done.stderr, str) else done.stderr.decode(errors="replace")
        sys.exit(f"packaging: {' '.join(map(str, command))} failed:\n{said}")
    return done.stdout


def version():
    with open(ROOT / "Cargo.toml", "rb") as file:
        return tomllib.load(file)["workspace"]["package"]["version"]


def epoch():
    """Seconds that every file of a package bears: of the last commit, else a fixed day."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    log = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
    return int(log.stdout) if log.returncode == 0 else 1_767_225_600


def runtime():
    """The Python package of the ONNX runtime, in the version that the tests run with."""
    found = re.search(r'^ORT = "([\d.]+)"', (ROOT / "models/fetch.py").read_text(encoding="utf-8"), re.MULTILINE)
    return f"onnxruntime=={found[1]}"


def glibc(binary):
    """The newest version of glibc that a binary asks for, e.g. (2, 34)."""
    found = re.findall(r"GLIBC_(\d+)\.(\d+)", run("objdump", "-T", binary, text=True))
    return max((int(major), int(minor)) for major, minor in found)


def tree(folder, to, keep=lambda path: True):
    """Files of a folder by their path in the package."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and keep(path.relative_to(folder)):
            files[f"{to}/{path.relative_to(folder).as_posix()}"] = path
    return files


def share(env):
    """What every package puts into its share folder: rules, plans, models, demo calls, configuration, units."""
    files = tree(ROOT / "rules", "share/callsift/rules")
    files |= tree(ROOT / "plans", "share/callsift/plans")
    of_training = ("eval/", "figures.json", "training.json")
    for model in ("whisper-mini-zh", "text-mini-zh", "text-base-zh"):
        files |= tree(ROOT / "models" / model, f"share/callsift/models/{model}",
                      lambda path: not path.as_posix().startswith(of_training))
    files["share/callsift/models/silero_vad.onnx"] = env / "silero_vad.onnx"
    files |= tree(ROOT / "tests/demo/recordings", "share/callsift/demo/recordings")
    for name in ("metadata.csv", "expected.jsonl", "ATTRIBUTION.md"):
        files[f"share/callsift/demo/{name}"] = ROOT / "tests/demo" / name
    files["share/callsift/callsift.toml"] = ROOT / "callsift.toml"
    return files | tree(ROOT / "deploy", "share/callsift/deploy")


def notices(env):
    """Licences of callsift and of what it is made with."""
    to = "share/doc/callsift"
    files = {f"{to}/LICENSE": ROOT / "LICENSE", f"{to}/CHANGELOG.md": ROOT / "CHANGELOG.md"}
    files[f"{to}/THIRD-PARTY-NOTICES"] = run(sys.executable, ROOT / "packaging/notices.py")
    files[f"{to}/silero_vad.LICENSE"] = env / "silero_vad.LICENSE"
    return files


def generated(binary, zsh):
    """Manual pages and completions, as the binary itself prints them."""
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        run(binary, "man", folder)
        for page in sorted(Path(folder).iterdir()):
            files[f"share/man/man1/{page.name}"] = page.read_bytes()
    shells = {
        "bash": "share/bash-completion/completions/callsift",
        "zsh": f"{zsh}/_callsift",
        "fish": "share/fish/vendor_completions.d/callsift.fish",
    }
    return files | {path: run(binary, "completion", shell) for shell, path in shells.items()}


def content(source):
    return source if isinstance(source, bytes) else source.read_bytes()


def mode(path):
    return 0o755 if "/bin/" in f"/{path}" or path.endswith((".so", "postinst")) else 0o644


def tar(files, top, out, when):
    # tarfile's own gzip would write the present moment into the header.
    with (gzip.GzipFile(out, "wb", compresslevel=6, mtime=when) as packed,
          tarfile.open(fileobj=packed, mode="w") as archive):
        for path, source in sorted(files.items()):
            data = content(source)
            info = tarfile.TarInfo(f"{top}/{path}")
            info.size, info.mode, info.mtime = len(data), mode(path), when
            archive.addfile(info, io.BytesIO(data))
    return out


POSTINST = """#!/bin/sh
# The user and the folders of the units; in a foreign root or without systemd whoever installs makes them.
set -e
if [ "$1" = configure ] && [ -z "$DPKG_ROOT" ]; then
    if command -v systemd-sysusers >/dev/null; then systemd-sysusers callsift.conf || true; fi
    if command -v systemd-tmpfiles >/dev/null; then systemd-tmpfiles --create callsift.conf || true; fi
    if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
fi
"""


def debian(files, out, when, needs):
    files = {f"usr/{path}": source for path, source in files.items()}
    for path in [path for path in files if "/man/" in path]:
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=when) as page:
            page.write(content(files.pop(path)))
        files[f"{path}.gz"] = packed.getvalue()
    files["usr/share/doc/callsift/copyright"] = (
        b"callsift is licensed under the Apache License, Version 2.0: /usr/share/common-licenses/Apache-2.0\n"
        b"What is compiled into it and comes with it: THIRD-PARTY-NOTICES and the licences beside this file.\n")
    units = ROOT / "deploy/systemd"
    for unit in units.glob("*.service"):
        files[f"usr/lib/systemd/system/{unit.name}"] = unit
    for unit in units.glob("*.timer"):
        files[f"usr/lib/systemd/system/{unit.name}"] = unit
    files["usr/lib/sysusers.d/callsift.conf"] = units / "callsift.sysusers"
    files["usr/lib/tmpfiles.d/callsift.conf"] = units / "callsift.tmpfiles"
    files["etc/default/callsift"] = ROOT / "deploy/default"
    files["etc/callsift/callsift.toml"] = ROOT / "callsift.toml"
    size = sum(len(content(source)) for source in files.values()) // 1024
    control = f"""Package: {NAME}
Version: {version()}
Architecture: {ARCHITECTURES[platform.machine()]}
Maintainer: callsift maintainers <callsift@example.invalid>
Installed-Size: {size}
Depends: libc6 (>= {needs[0]}.{needs[1]}), libgcc-s1, libstdc++6
Recommends: ffmpeg
Section: sound
Priority: optional
Description: {SUMMARY}
 callsift transcribes the recordings of a day, runs rules over what was said and
 writes tables as Parquet. It says for every finding the rule, the sentence and
 the second, and answers "cannot tell" where it did not hear well enough.
"""
    files["DEBIAN/control"] = control.encode()
    files["DEBIAN/conffiles"] = b"/etc/default/callsift\n/etc/callsift/callsift.toml\n"
    files["DEBIAN/postinst"] = POSTINST.encode()
    with tempfile.TemporaryDirectory() as folder:
        for path, source in files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content(source))
            target.chmod(mode(path))
        for path in [Path(folder), *Path(folder).rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
            os.utime(path, (when, when))
        set_epoch = {**os.environ, "SOURCE_DATE_EPOCH": str(when)}
        run("dpkg-deb", "--build", "--root-owner-group", "-Zgzip", "-z6", folder, out, env=set_epoch)
    return out


def wheel(files, folder, when, needs):
    """A wheel that gives the command: the binary as a script, the share folder as data beside it."""
    tag = f"py3-none-manylinux_{needs[0]}_{needs[1]}_{platform.machine()}"
    base = f"{NAME}-{version()}"
    info = f"{base}.dist-info"
    inside = {}
    for path, source in files.items():
        to = "scripts" + path.removeprefix("bin") if path.startswith("bin/") else f"data/{path}"
        inside[f"{base}.data/{to}"] = source
    metadata = f"""Metadata-Version: 2.1
Name: {NAME}
Version: {version()}
Summary: {SUMMARY}
License: Apache-2.0
Requires-Python: >=3.9
Requires-Dist: {runtime()}
Description-Content-Type: text/markdown

"""
    inside[f"{info}/METADATA"] = metadata.encode() + (ROOT / "README.md").read_bytes()
    inside[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: callsift\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    date = time.gmtime(when)[:6]
    out, record = folder / f"{base}-{tag}.whl", []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        def add(path, data):
            entry = zipfile.ZipInfo(path, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if "/scripts/" in path else 0o100644) << 16
            archive.writestr(entry, data)

        for path, source in sorted(inside.items()):
            data = content(source)
            add(path, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(data)}\n")
        record.append(f"{info}/RECORD,,\n")
        add(f"{info}/RECORD", "".join(record))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, required=True, help="the built command")
    parser.add_argument("--env", type=Path, default=ROOT / ".callsift", help="what `make setup` filled")
    parser.add_argument("--out", type=Path, required=True, help="folder for the packages")
    parser.add_argument("--kinds", default="tar,deb,wheel", help="some of tar,deb,wheel")
    parser.add_argument("--with-model", action="append", default=[], help="put this installed model into the tarball")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    when, kinds = epoch(), args.kinds.split(",")
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder, NAME)
        shutil.copy(args.binary, binary)
        run("strip", binary)
        needs = glibc(binary)
        everything = {f"bin/{NAME}": binary} | share(args.env) | notices(args.env)
        runtime = {}
        for library in (args.env / "onnxruntime").glob("libonnxruntime.so*"):
            runtime[f"lib/callsift/{library.name}"] = library
        for name in ("LICENSE", "ThirdPartyNotices.txt"):
            runtime[f"share/doc/callsift/onnxruntime/{name}"] = args.env / "onnxruntime" / name
        docs = tree(ROOT / "docs", "share/doc/callsift/docs")
        docs |= {f"share/doc/callsift/{name}": ROOT / name for name in ("README.md", "README.zh-CN.md", "SECURITY.md")}
        site, vendor = "share/zsh/site-functions", "share/zsh/vendor-completions"
        made = []
        if "tar" in kinds:
            models = {}
            for model in args.with_model:
                models |= tree(args.env / "models" / model, f"share/callsift/models/{model}")
            top = f"{NAME}-{version()}-linux-{platform.machine()}"
            files = everything | runtime | docs | generated(binary, site) | models
            made.append(tar(files, top, args.out / f"{top}.tar.gz", when))
        if "deb" in kinds:
            files = everything | runtime | docs | generated(binary, vendor)
            name = f"{NAME}_{version()}_{ARCHITECTURES[platform.machine()]}.deb"
            made.append(debian(files, args.out / name, when, needs))
        if "wheel" in kinds:
            made.append(wheel(everything | generated(binary, site), args.out, when, needs))
        print(f"binary {binary.stat().st_size / 1e6:.1f} MB, glibc {needs[0]}.{needs[1]} or newer")
        for path in made:
            print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

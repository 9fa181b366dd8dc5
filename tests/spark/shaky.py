#!/usr/bin/env python3
"""The real `callsift worker`, with a hand on it: `shaky.py MODE RECORDING MARKER COMMAND…`.

Modes, at the moment in which the recording is begun: `once` aborts the whole worker, the first time alone; `always` aborts
the process at work, every time; `tell` writes the marker and does nothing.
"""
import json
import os
import signal
import subprocess
import sys

mode, recording, marker, *command = sys.argv[1:]
if command[1] != "worker":
    os.execvp(command[0], command)

worker = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
for line in worker.stderr:
    sys.stderr.write(line)
    try:
        event = json.loads(line)
    except ValueError:
        continue
    if event.get("event") != "begin" or event["recording_id"] != recording or event["refused"]:
        continue
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        first = True
    except FileExistsError:
        first = False
    if mode == "once" and first:
        os.kill(worker.pid, signal.SIGABRT)
    elif mode == "always":
        os.kill(event["pid"], signal.SIGABRT)
code = worker.wait()
sys.exit(code if code >= 0 else 128 - code)

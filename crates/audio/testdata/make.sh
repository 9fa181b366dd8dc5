#!/bin/sh
# Makes the fixtures of tests/formats.rs with ffmpeg 5.1: one second, 8 kHz stereo; 440 Hz left in the first half,
# 1200 Hz right in the second. Pure tones made here: no rights of anyone.
set -eu
cd "$(dirname "$0")"
tones="aevalsrc=0.5*sin(2*PI*440*t)*lt(t\,0.5)|0.5*sin(2*PI*1200*t)*gte(t\,0.5):s=8000:d=1"
make() { out=$1; shift; ffmpeg -nostdin -v error -y -f lavfi -i "$tones" -bitexact "$@" "$out"; }
make alaw.wav -c:a pcm_alaw
make mulaw.wav -c:a pcm_mulaw
make s16.wav -c:a pcm_s16le
make ima.wav -c:a adpcm_ima_wav
make ms.wav -c:a adpcm_ms
make tone.flac -c:a flac
make mpeg25.mp3 -c:a libmp3lame -b:a 16k
make mpeg2.mp3 -ar 16000 -c:a libmp3lame -b:a 24k
make vorbis.ogg -c:a libvorbis -b:a 24k
make opus.ogg -ar 48000 -c:a libopus -b:a 24k
make opus.webm -ar 48000 -c:a libopus -b:a 24k
make aac.m4a -c:a aac -b:a 24k
make aac.aac -c:a aac -b:a 24k
make s16.aiff -c:a pcm_s16be
# mono, by ffmpeg when read
make gsm.wav -ac 1 -c:a libgsm_ms
make tone.gsm -ac 1 -c:a libgsm
make tone.g722 -ac 1 -ar 16000 -c:a g722
make g726.wav -ac 1 -c:a g726
make tone.wma -c:a wmav2 -b:a 24k

"""What soundfile reads and numpy transforms of small .wav files, for engine/test/audioOracles.test.ts.

    pip install numpy scipy soundfile
    python bench/oracles/audio.py

Writes the files and test/oracles/audio/figures.json.
"""

import json
import os

import numpy as np
import scipy
import soundfile
from scipy.signal import get_window

OUT = os.path.join(os.path.dirname(__file__), "../../test/oracles/audio")
ENCODINGS = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"]
LENGTH, HOP = 16, 8
WINDOWS = dict(none=np.ones(LENGTH), hann=get_window("hann", LENGTH), sqrt_hann=np.sqrt(get_window("hann", LENGTH)))


def rounded(values):
    return [float(f"{value:.9g}") for value in np.asarray(values, dtype=np.float64).ravel()]


def main():
    os.makedirs(OUT, exist_ok=True)
    random = np.random.default_rng(0)
    files = []
    for encoding in ENCODINGS:
        name = f"{encoding.lower()}.wav"
        sound = random.uniform(-0.99, 0.99, (40, 2))
        soundfile.write(os.path.join(OUT, name), sound, 16000, subtype=encoding)
        read, rate = soundfile.read(os.path.join(OUT, name), dtype="float64", always_2d=True)
        mixed = read.mean(1)
        windows = [mixed[start : start + LENGTH] for start in range(0, len(mixed) - LENGTH + 1, HOP)]
        spectra = {name: [np.fft.rfft(window * weights) for window in windows] for name, weights in WINDOWS.items()}
        files.append(
            dict(
                file=name,
                rate=rate,
                channels=[rounded(read[:, channel]) for channel in (0, 1)],
                mixed=rounded(mixed),
                magnitude={name: rounded(np.abs(spectrum)) for name, spectrum in spectra.items()},
                spectrum={name: rounded(np.stack([np.real(s), np.imag(s)], -1)) for name, s in spectra.items()},
            )
        )
    versions = dict(numpy=np.__version__, scipy=scipy.__version__, soundfile=soundfile.__version__)
    with open(os.path.join(OUT, "figures.json"), "w") as file:
        json.dump(dict(versions=versions, length=LENGTH, hop=HOP, files=files), file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()

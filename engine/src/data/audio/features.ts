import type { AudioFrames } from './frames.js';

/**
 * What a model takes of windows of `length` samples: themselves, or their Fourier transform X[k] = Σ w[n]·x[n]·e^(−2πi·k·n / length) for
 * k = 0 … length/2: absolute values, or real and imaginary part of each.
 */
export function featureReader(
  { features, window }: Pick<AudioFrames, 'features' | 'window'>,
  length: number,
): (samples: Float32Array) => Float32Array {
  if (features === 'waveform') return (samples) => samples;
  const weights = windowOf(window, length);
  const transform = fourierTransform(length);

  return (samples) => {
    const parts = transform(Float64Array.from(samples, (sample, n) => sample * weights[n]!));
    return features === 'spectrum'
      ? Float32Array.from(parts)
      : Float32Array.from({ length: parts.length / 2 }, (_, k) =>
          Math.hypot(parts[2 * k]!, parts[2 * k + 1]!),
        );
  };
}

/** Periodic, as transforms of windows that overlap want it. */
function windowOf(window: AudioFrames['window'], length: number): Float64Array {
  return Float64Array.from({ length }, (_, n) => {
    const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length);
    return window === 'none' ? 1 : window === 'hann' ? hann : Math.sqrt(hann);
  });
}

/** Real and imaginary parts, one after the other, of the lower half: the other one mirrors it. */
function fourierTransform(length: number): (values: Float64Array) => Float64Array {
  const angles = Float64Array.from({ length }, (_, n) => (-2 * Math.PI * n) / length);
  const [cosines, sines] = [angles.map(Math.cos), angles.map(Math.sin)];
  const bins = Math.floor(length / 2) + 1;

  return (values) => {
    const parts = new Float64Array(2 * bins);
    for (let k = 0; k < bins; k++) {
      let [real, imaginary] = [0, 0];
      for (let n = 0, turn = 0; n < length; n++, turn = (turn + k) % length) {
        real += values[n]! * cosines[turn]!;
        imaginary += values[n]! * sines[turn]!;
      }

      parts[2 * k] = real;
      parts[2 * k + 1] = imaginary;
    }

    return parts;
  };
}

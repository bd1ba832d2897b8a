"""Task: {model, calibration, threads}. Seconds of plain float inference of the calibration samples, without loading."""

import time

from common import Samples, finish, same_threads, session, task


def main():
    spec = task()
    same_threads(spec["threads"])
    model = session(spec["model"])
    name = model.get_inputs()[0].name
    samples = Samples(spec["calibration"])
    for index in range(min(5, len(samples))):
        model.run(None, {name: samples[index]})
    begun = time.perf_counter()
    for index in range(len(samples)):
        model.run(None, {name: samples[index]})
    finish({"seconds": time.perf_counter() - begun})


main()

"""What every script here needs: samples from disk, the same number of threads for all, memory."""

import json
import re
import sys

import numpy as np
import onnxruntime


class Samples:
    """Rows of a .npy file, each read when it is asked for: nothing is held, nothing is mapped."""

    def __init__(self, path, limit=None):
        self.path = path
        with open(path, "rb") as file:
            version = np.lib.format.read_magic(file)
            read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            self.shape, _, self.dtype = read_header[version](file)
            self.start = file.tell()
        self.count = self.shape[0] if limit is None else min(limit, self.shape[0])

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError(index)
        row = int(np.prod(self.shape[1:]))
        offset = self.start + index * row * self.dtype.itemsize
        # With the batch axis of 1.
        return np.fromfile(self.path, self.dtype, row, offset=offset).reshape(1, *self.shape[1:])


def rows_of(path):
    """The samples of an .npz by input: each array is read once, not at every access."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    count = len(next(iter(arrays.values())))
    return [{name: np.asarray(array[index]) for name, array in arrays.items()} for index in range(count)]


def same_threads(threads):
    """Makes every session of this process, the tools' own included, use that many threads."""
    create = onnxruntime.InferenceSession.__init__

    def limited(self, model, sess_options=None, *args, **kwargs):
        options = sess_options or onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        create(self, model, options, *args, **kwargs)

    onnxruntime.InferenceSession.__init__ = limited


def session(path, optimized_to=None):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if optimized_to is not None:
        options.optimized_model_filepath = optimized_to
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def peak_bytes():
    """The most memory this process ever had resident."""
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read()).group(1)) * 1024


def task():
    """The task that the caller wrote: a JSON file named by the first argument."""
    with open(sys.argv[1]) as file:
        return json.load(file)


def finish(result):
    """Hands the result back in the file named by the second argument."""
    with open(sys.argv[2], "w") as file:
        json.dump(result, file)

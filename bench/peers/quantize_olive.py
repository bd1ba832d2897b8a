"""Task: {model, calibration, output, threads}. Time counts from reading the model to its being written.

Olive's pass OnnxStaticQuantization with its defaults, but for a scale for each channel, as every other tool here has.
"""

import pathlib
import shutil
import tempfile
import time

import onnx
from olive.workflows import run

from common import finish, peak_bytes, same_threads, task

READER = '''
import sys
sys.path.insert(0, {folder!r})
from common import Samples
from olive.data.registry import Registry


class Rows:
    def __init__(self):
        self.rows = Samples({calibration!r})

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return {{{name!r}: self.rows[index][0]}}, 0


@Registry.register_dataset()
def rows(**kwargs):
    return Rows()
'''


def config_of(spec, reader, work):
    cpu = {"device": "cpu", "execution_providers": ["CPUExecutionProvider"]}
    return {
        "input_model": {"type": "ONNXModel", "model_path": spec["model"]},
        "systems": {"local": {"type": "LocalSystem", "accelerators": [cpu]}},
        "data_configs": [
            {
                "name": "calibration",
                "user_script": str(reader),
                "load_dataset_config": {"type": "rows"},
                "pre_process_data_config": {"type": "skip_pre_process"},
                "post_process_data_config": {"type": "skip_post_process"},
                "dataloader_config": {"batch_size": 1},
            }
        ],
        "passes": {"int8": {"type": "OnnxStaticQuantization", "data_config": "calibration", "per_channel": True}},
        "host": "local",
        "target": "local",
        "cache_dir": str(work / "cache"),
        "output_dir": str(work / "output"),
    }


def main():
    spec = task()
    same_threads(spec["threads"])
    name = onnx.load(spec["model"]).graph.input[0].name
    before = peak_bytes()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        reader = work / "reader.py"
        here = str(pathlib.Path(__file__).parent)
        reader.write_text(READER.format(folder=here, calibration=spec["calibration"], name=name))
        begun = time.perf_counter()
        run(config_of(spec, reader, work))
        seconds = time.perf_counter() - begun
        written = max((work / "output").rglob("*.onnx"), key=lambda path: path.stat().st_mtime)
        shutil.copyfile(written, spec["output"])
    finish({"seconds": seconds, "baseline_bytes": before, "peak_bytes": peak_bytes()})


main()

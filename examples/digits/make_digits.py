#!/usr/bin/env python3
"""Writes the digit files of this folder from scikit-learn's copy of the UCI handwritten digits.

    pip install scikit-learn==1.9.1 safetensors==0.8.0
    python3 examples/digits/make_digits.py

`digits.safetensors`: `images` [1797, 64] f32 in [−1, 1], row-major 8×8, and `labels` [1797] i32.
Every other file: `samples` [N, 64] f32, the images of the digits in its name, in the order of the data set.
"""

from pathlib import Path

import numpy as np
import sklearn
from safetensors.numpy import save_file
from sklearn.datasets import load_digits

SOURCE = (
    "UCI Optical Recognition of Handwritten Digits, test set; CC BY 4.0; doi:10.24432/C50P49; "
    f"examples/digits/make_digits.py with scikit-learn {sklearn.__version__}"
)
SUBSETS = {
    "digits-all": range(10),
    "digits-0-8": (0, 8),
    "digits-3-8": (3, 8),
    "digits-3-5-8": (3, 5, 8),
    "digits-4": (4,),
    "digits-1-2-7": (1, 2, 7),
}


def main():
    folder = Path(__file__).parent
    data = load_digits()
    # Pixels are counts 0…16; v/8 − 1 puts them on [−1, 1] exactly, 1/8 apart.
    images = (data.data / 8 - 1).astype(np.float32)
    labels = data.target.astype(np.int32)
    # One entry only: the writer does not keep the order of several, and files would differ from run to run.
    metadata = {"source": SOURCE}
    save_file({"images": images, "labels": labels}, folder / "digits.safetensors", metadata)
    for name, digits in SUBSETS.items():
        samples = np.ascontiguousarray(images[np.isin(labels, list(digits))])
        save_file({"samples": samples}, folder / f"{name}.safetensors", metadata)
        print(f"{name}: {len(samples)} images")


if __name__ == "__main__":
    main()

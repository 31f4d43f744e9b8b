"""Writes the reference files of WeightFilesTests with the safetensors library: python make_fixtures.py"""

from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
# One key only: the library writes several in no fixed order.
METADATA = {"generator": f"make_fixtures.py, safetensors {safetensors.__version__}, torch {torch.__version__}"}


def ramp(count: int, dtype: torch.dtype) -> torch.Tensor:
    """-1, -0.75, -0.5, ...: exact in every floating type here."""
    return (torch.arange(count, dtype=torch.float64) / 4 - 1).to(dtype)


# Types that TensorCore has: the writer must reproduce this file byte by byte.
save_file(
    {
        "zeta.weight": ramp(6, torch.float32).reshape(2, 3),
        "alpha": ramp(5, torch.bfloat16),
        "half": ramp(3, torch.float16),
        "double": ramp(4, torch.float64).reshape(2, 2),
        "index": torch.tensor([3, -1, 2**31 - 1, -(2**31)], dtype=torch.int32),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 7),
        'na"me\\with\té': ramp(1, torch.float32),
    },
    HERE / "tensors.safetensors",
    METADATA,
)

# Types that only files have.
save_file(
    {
        "long": torch.tensor([[5, -6], [2**31 - 1, -(2**31)]], dtype=torch.int64),
        "too_long": torch.tensor([1, 2**31], dtype=torch.int64),
        "byte": torch.tensor([0, 255, 7], dtype=torch.uint8),
        "flag": torch.tensor([True, False, True]),
        "float8": ramp(4, torch.float8_e4m3fn),
        "complex": torch.tensor([1 + 2j], dtype=torch.complex64),
    },
    HERE / "foreign.safetensors",
    METADATA,
)

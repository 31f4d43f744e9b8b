"""Writes small state dictionaries as torch.save does: python make_archives.py"""

from collections import OrderedDict
from pathlib import Path

import torch

HERE = Path(__file__).parent


def ramp(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """0, 1, 2, ...: exact in every type here."""
    return torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape).to(dtype)


shared = ramp(4, 3)
state = OrderedDict(
    {
        "layers.0.weight": ramp(2, 3),
        "layers.0.bias": torch.nn.Parameter(ramp(2)),
        "half": ramp(3, dtype=torch.float16),
        "brain": ramp(3, dtype=torch.bfloat16),
        "double": ramp(2, 2, dtype=torch.float64),
        "index": ramp(3, dtype=torch.int32),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 7),
        "row": shared[2],
        "transposed": shared.t(),
    }
)
torch.save(state, HERE / "state.pth")
torch.save({"epoch": 3, "lr": 0.5, "names": ["a", ("b", None, True)], "state_dict": {"weight": ramp(2)}}, HERE / "nested.pt")
torch.save(torch.nn.Linear(2, 2), HERE / "module.pth")
torch.save({"weight": ramp(2)}, HERE / "legacy.pth", _use_new_zipfile_serialization=False)

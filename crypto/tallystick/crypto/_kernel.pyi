from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer

# numpy says that arrays are buffers from Python 3.12 on only
_Bytes: TypeAlias = Buffer | npt.NDArray[np.uint8]

def paths() -> list[str]: ...
def mask(path: str, scalar: bytes, points: _Bytes, out: _Bytes, /) -> int: ...
def hash_to_curve(
    path: str, dst_prime: bytes, prefix: bytes, data: _Bytes, offsets: npt.NDArray[np.int64], out: _Bytes, /
) -> int: ...
def map_to_curve(path: str, elements: _Bytes, out: _Bytes, /) -> int: ...
def first_bad_point(path: str, points: _Bytes, /) -> int: ...
def hash_tags(prefix: bytes, points: _Bytes, out: _Bytes, /) -> None: ...
def add_products(
    left: npt.NDArray[np.uint64],
    right: npt.NDArray[np.uint64],
    pairs: npt.NDArray[np.uint32],
    moduli: npt.NDArray[np.uint64],
    sums: npt.NDArray[np.uint64],
    blocks: int,
    /,
) -> None: ...
def transform(
    values: npt.NDArray[np.uint64],
    roots: npt.NDArray[np.uint64],
    shoups: npt.NDArray[np.uint64],
    prime: int,
    inverse: bool,
    /,
) -> None: ...
def multiply_residues(
    left: npt.NDArray[np.uint64],
    right: npt.NDArray[np.uint64],
    moduli: npt.NDArray[np.uint64],
    out: npt.NDArray[np.uint64],
    ring: int,
    /,
) -> None: ...

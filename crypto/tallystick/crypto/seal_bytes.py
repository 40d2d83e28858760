"""SEAL's saved bytes, which are the only way in and out of its polynomials from Python.

A saved object is a 16-byte header `<HBBBBHQ` (magic, header size, version 4.3, compression, 0, whole size) and a body, here
always without compression on the way in. A ciphertext's body is `metadata` (97 bytes: parms id 32, NTT flag 1, polynomials 8,
N 8, primes 8, scale 8, correction factor 8, an inner header 16, number of words 8), then uint64[2][primes][N]. On the way out
SEAL compresses with zstd; its own library undoes that.

Only bytes that this process made, or a template of ours around coefficients that were checked, are ever given to SEAL's
parser. The bytes travel through a memory file (Linux), never a disk.

Source: Microsoft SEAL 4.3, `native/src/seal/{serialization,ciphertext,plaintext,dynarray}.h`.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import struct
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.crypto.errors import LocalFault

Polynomials = npt.NDArray[np.uint64]
"""A ciphertext as uint64[2, primes, N], coefficients (or NTT values) below each prime."""

_HEADER: Final = struct.Struct("<HBBBBHQ")
_MAGIC: Final = 0xA15E
_VERSION: Final = (4, 3)
_WORD: Final = 8
_NO_COMPRESSION: Final = 0
_POLYNOMIALS: Final = 2
NO_LEVEL: Final = (0, 0, 0, 0)
"""What a plaintext has in place of a level's name while it is not in NTT form."""


@cache
def load_seal() -> Any:
    """Give SEAL's module, which is loaded when it is first needed: who plans products or carries them needs none."""
    return importlib.import_module("tenseal.sealapi")


@cache
def find_decompress() -> Any | None:
    """Give SEAL's own `ZSTD_decompress`, or None where the library hides its symbols."""
    extension = importlib.import_module(load_seal().Ciphertext.__module__)  # zstd is linked into it
    with suppress(OSError, AttributeError):
        function = ctypes.CDLL(extension.__file__).ZSTD_decompress
        function.restype = ctypes.c_size_t
        function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t]
        return function
    return None


def save_object(thing: Any) -> bytes:
    """Give what SEAL saves of an object, header and all."""
    with os.fdopen(os.memfd_create("tallystick"), "rb") as memory:
        thing.save(f"/proc/self/fd/{memory.fileno()}")
        return memory.read()


def load(thing: Any, context: Any, data: bytes) -> None:
    """Let SEAL read `data`, which must be ours, into an object."""
    with os.fdopen(os.memfd_create("tallystick"), "wb", buffering=0) as memory:
        memory.write(data)
        thing.load(context, f"/proc/self/fd/{memory.fileno()}")


def _header(body: int) -> bytes:
    return _HEADER.pack(_MAGIC, _HEADER.size, *_VERSION, _NO_COMPRESSION, 0, _HEADER.size + body)


def _words(count: int) -> bytes:
    """Give the head of an inner array of `count` words."""
    return _header(_WORD + count * _WORD) + struct.pack("<Q", count)


def metadata(parms_id: Sequence[int], ring: int, primes: int, *, ntt: bool) -> bytes:
    """Give the one metadata that a ciphertext of ours has at a level."""
    return struct.pack("<4Q?QQQdQ", *parms_id, ntt, _POLYNOMIALS, ring, primes, 1.0, 1) + _words(_POLYNOMIALS * primes * ring)


def ciphertext_bytes(head: bytes, polynomials: Polynomials) -> bytes:
    """Give the saved form of a ciphertext: header, metadata `head`, coefficients."""
    return _header(len(head) + polynomials.nbytes) + head + polynomials.astype("<u8", copy=False).tobytes()


def _plaintext_head(parms_id: Sequence[int], count: int) -> bytes:
    return struct.pack("<4QQd", *parms_id, count, 1.0) + _words(count)


def plaintext_bytes(words: npt.NDArray[np.uint64], parms_id: Sequence[int] = NO_LEVEL) -> bytes:
    """Give the saved form of a plaintext polynomial: coefficients, or with a level's name its NTT values prime by prime.

    A secret key is saved as the plaintext of its polynomial in NTT form under all primes.
    """
    head = _plaintext_head(parms_id, len(words))
    return _header(len(head) + words.nbytes) + head + words.astype("<u8", copy=False).tobytes()


def plaintext_words(plaintext: Any, parms_id: Sequence[int], count: int) -> npt.NDArray[np.uint64]:
    """Give the words of a plaintext of this process, coefficients or with a level's name its NTT values: uint64[count].

    Raises:
        LocalFault: `seal-format`: this SEAL saves in another way, or the plaintext is of another level or size.
    """
    if find_decompress() is None:
        if plaintext.coeff_count() != count or list(plaintext.parms_id()) != list(parms_id):
            raise LocalFault("seal-format", "a plaintext is not of the expected level")
        return np.array([plaintext[i] for i in range(count)], dtype=np.uint64)
    return _body_words(plaintext, _plaintext_head(parms_id, count), count)


def polynomials(ciphertext: Any, head: bytes, primes: int, ring: int) -> Polynomials:
    """Give a ciphertext's polynomials.

    Args:
        ciphertext: SEAL's object, of this process.
        head: the metadata that it must have.
        primes: primes of its level.
        ring: N.

    Raises:
        LocalFault: `seal-format`: this SEAL saves in another way, or the ciphertext is of another level or form.
    """
    shape = (_POLYNOMIALS, primes, ring)
    words = _POLYNOMIALS * primes * ring
    if find_decompress() is None:  # about 11 ms instead of 1 ms: each word is a call
        if (ciphertext.size(), ciphertext.coeff_modulus_size(), ciphertext.poly_modulus_degree()) != shape:
            raise LocalFault("seal-format", "a ciphertext is not of the expected level")
        return np.array([ciphertext[i] for i in range(words)], dtype=np.uint64).reshape(shape)
    return _body_words(ciphertext, head, words).reshape(shape)


def _body_words(thing: Any, head: bytes, count: int) -> npt.NDArray[np.uint64]:
    """Decompress what SEAL saves of an object, which must begin with `head`, and give the words behind it."""
    data = np.frombuffer(save_object(thing), dtype=np.uint8)[_HEADER.size :]
    body = np.empty(len(head) + count * _WORD, dtype=np.uint8)
    decompress = find_decompress()
    done = decompress(body.ctypes.data, body.size, data.ctypes.data, data.size) if decompress is not None else 0
    if done != body.size or body[: len(head)].tobytes() != head:
        raise LocalFault("seal-format", "SEAL saved an object in a form that is not the expected one")
    return np.frombuffer(body, dtype="<u8", offset=len(head)).astype(np.uint64)


def new_ciphertext(context: Any, data: bytes) -> Any:
    """Give SEAL's object of `ciphertext_bytes`."""
    ciphertext = load_seal().Ciphertext()
    load(ciphertext, context, data)
    return ciphertext


def new_plaintext(context: Any, data: bytes) -> Any:
    """Give SEAL's object of `plaintext_bytes`."""
    plaintext = load_seal().Plaintext()
    load(plaintext, context, data)
    return plaintext

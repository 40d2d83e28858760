"""S-17: Paillier sealing: what is right opens, and everything on the list of known-bad inputs is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import gmpy2
import phe.util
import pytest

from tallystick.crypto import paillier
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.packing import Packing
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness


@pytest.fixture(scope="module")
def private() -> paillier.PrivateKey:
    return paillier.generate()


@pytest.fixture(scope="module")
def public(private: paillier.PrivateKey) -> paillier.PublicKey:
    return paillier.public_key(private.public.modulus_bytes, sender="desk")


def as_bytes(value: int) -> bytes:
    return value.to_bytes(paillier.CIPHERTEXT_BYTES, "big")


def test_s17_a_fresh_key_has_3072_bits_and_another_each_time(private: paillier.PrivateKey, public: paillier.PublicKey) -> None:
    assert public.modulus.bit_length() == 3072
    assert public == private.public
    p, q = int.from_bytes(private.p, "big"), int.from_bytes(private.q, "big")
    assert p * q == public.modulus
    assert gmpy2.is_prime(p)
    assert gmpy2.is_prime(q)
    assert paillier.generate().public != public


def test_values_open_to_themselves(private: paillier.PrivateKey, public: paillier.PublicKey) -> None:
    values = [0, 1, 2**120 - 1, 2**3000 - 1, public.modulus - 1]
    sealed = paillier.encrypt(public, values, SystemRandomness())
    assert [len(one) for one in sealed] == [768] * 5
    assert paillier.decrypt_ciphertexts(private, sealed) == values


def test_products_of_ciphertexts_open_to_sums_of_packed_shares(
    private: paillier.PrivateKey, public: paillier.PublicKey
) -> None:
    packing = Packing((30, 60, 120) * 10)
    agencies = [[(a * 7919 + i * 104729) % 2**30 for i in range(30)] for a in range(8)]
    lists = [paillier.encrypt(public, packing.pack(shares), SystemRandomness()) for shares in agencies]
    sums = packing.unpack(paillier.decrypt_ciphertexts(private, paillier.multiply_ciphertexts(public, lists)))
    assert sums == [sum(place) for place in zip(*agencies, strict=True)]


def test_encryption_is_made_again_from_a_seed_and_only_from_it(public: paillier.PublicKey) -> None:
    first, again = (paillier.encrypt(public, [5], SeededRandomness(b"seed")) for _ in range(2))
    assert first == again
    assert paillier.encrypt(public, [5], SeededRandomness(b"other")) != first


def test_s17_equal_values_give_different_ciphertexts(public: paillier.PublicKey) -> None:
    """The full run of 10^4 is marked slow."""
    sealed = paillier.encrypt(public, [7] * 20, SystemRandomness())
    assert len(set(sealed)) == 20


@pytest.mark.slow
def test_s17_no_two_of_ten_thousand_ciphertexts_are_equal(public: paillier.PublicKey) -> None:
    """S-17: 0 equal ciphertexts of 10^4 (about five minutes)."""
    assert len(set(paillier.encrypt(public, [7] * 10_000, SystemRandomness()))) == 10_000


def test_s17_rerandomised_ciphertexts_differ_and_open_alike(private: paillier.PrivateKey, public: paillier.PublicKey) -> None:
    sealed = paillier.encrypt(public, [3, 4], SystemRandomness())
    again = paillier.rerandomize_ciphertexts(public, sealed, SystemRandomness())
    assert not set(again) & set(sealed)
    assert paillier.decrypt_ciphertexts(private, again) == [3, 4]


def bad_values(modulus: int, p: int) -> dict[str, int]:
    square = modulus * modulus
    return {
        "zero": 0,
        "one": 1,
        "N": modulus,
        "N+1": modulus + 1,
        "N-1": modulus - 1,
        "N^2-1": square - 1,
        "N^2": square,
        "N^2+1": square + 1,
        "factor": p,
        "multiple of a factor": p * 12345,
        "multiple of N": modulus * 12345,
    }


def test_s17_every_bad_ciphertext_is_refused(private: paillier.PrivateKey, public: paillier.PublicKey) -> None:
    for name, value in bad_values(public.modulus, int.from_bytes(private.p, "big")).items():
        with pytest.raises(PeerFault) as refused:
            paillier.check_ciphertext(public, as_bytes(value), sender="labor")
        assert refused.value.rule == "paillier-ciphertext", name
        with pytest.raises(PeerFault):
            paillier.decrypt_ciphertexts(private, [as_bytes(value)])
        with pytest.raises(PeerFault):
            paillier.multiply_ciphertexts(public, [[as_bytes(value)]])


@pytest.mark.parametrize(
    "bad", [b"", b"\x05", b"\x05" * 767, b"\x00" + b"\x05" * 768, -5, 5, 1.5, float("nan"), None, "5" * 768]
)
def test_s17_what_is_not_768_bytes_is_refused(public: paillier.PublicKey, bad: Any) -> None:
    with pytest.raises(PeerFault) as refused:
        paillier.check_ciphertext(public, bad, sender="labor")
    assert refused.value.rule == "paillier-length"


def test_a_good_ciphertext_passes_unchanged(public: paillier.PublicKey) -> None:
    (sealed,) = paillier.encrypt(public, [9], SystemRandomness())
    assert paillier.check_ciphertext(public, sealed, sender="labor") == sealed


@pytest.mark.parametrize("bad", [-1, 1.0, float("nan"), True, None, "1"])
def test_s17_only_integers_in_range_are_sealed(public: paillier.PublicKey, bad: Any) -> None:
    with pytest.raises(LocalFault) as refused:
        paillier.encrypt(public, [bad], SystemRandomness())
    assert refused.value.rule == "paillier-plaintext"


def test_s17_a_plaintext_of_n_is_refused(public: paillier.PublicKey) -> None:
    with pytest.raises(LocalFault):
        paillier.encrypt(public, [public.modulus], SystemRandomness())


def prime_of(bits: int) -> int:
    return int(gmpy2.next_prime(3 << (bits - 2)))


def test_s17_every_bad_modulus_is_refused(public: paillier.PublicKey) -> None:
    half = prime_of(1536)
    good = public.modulus
    bad = {
        "even": good - 1,
        "prime": prime_of(3072),
        "square": half * half,
        "cube": prime_of(1024) ** 3,
        "2048 bits": prime_of(1024) * int(gmpy2.next_prime(prime_of(1024))),
        "3071 bits": good >> 1 | 1,
        "factor 3": (good // 3 | 1) * 3 if (good // 3) % 2 else (good // 3 + 1) * 3,
        "factor 65521": 65521 * int(gmpy2.next_prime((3 << 3070) // 65521)),
        "zero": 0,
        "one": 1,
    }
    for name, value in bad.items():
        with pytest.raises(PeerFault) as refused:
            paillier.public_key(value.to_bytes(384, "big"), sender="desk")
        assert refused.value.rule == "paillier-modulus", name


@pytest.mark.parametrize("bad", [b"", b"\xff" * 383, b"\xff" * 385, b"\xff" * 256, None, 7])
def test_s17_a_modulus_of_another_length_is_refused(bad: Any) -> None:
    with pytest.raises(PeerFault) as refused:
        paillier.public_key(bad, sender="desk")
    assert refused.value.rule == "paillier-length"


def test_s17_another_jobs_ciphertext_does_not_pass_for_a_sum(private: paillier.PrivateKey) -> None:
    """It may be refused as out of range; where it is not, it decrypts to what no packing can hold."""
    other = paillier.generate().public
    packing = Packing((30,) * 80)
    for _ in range(5):
        sealed = paillier.encrypt(other, packing.pack([1] * 80), SystemRandomness())
        with pytest.raises(PeerFault):
            packing.unpack(paillier.decrypt_ciphertexts(private, sealed))


def test_lists_of_different_lengths_are_refused(public: paillier.PublicKey) -> None:
    sealed = paillier.encrypt(public, [1, 2], SystemRandomness())
    for bad in ([], [sealed, sealed[:1]]):
        with pytest.raises(LocalFault):
            paillier.multiply_ciphertexts(public, bad)


def test_nothing_works_without_gmpy2(
    private: paillier.PrivateKey, public: paillier.PublicKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phe.util, "HAVE_GMP", False)
    works: list[Callable[[], object]] = [
        paillier.generate,
        lambda: paillier.encrypt(public, [1], SystemRandomness()),
        lambda: paillier.decrypt_ciphertexts(private, []),
    ]
    for work in works:
        with pytest.raises(LocalFault) as refused:
            work()
        assert refused.value.rule == "gmpy2-missing"


def test_the_private_key_travels_to_a_worker_but_not_into_a_log(private: paillier.PrivateKey) -> None:
    assert pickle.loads(pickle.dumps(private)) == private
    shown = repr(private)
    for secret in (private.p, private.q):
        assert str(int.from_bytes(secret, "big")) not in shown
        assert secret.hex() not in shown
        assert repr(secret) not in shown


def test_the_root_of_a_ciphertext_is_the_r_that_was_drawn_whatever_it_hides() -> None:
    key = paillier.generate()
    texts = ([0, 1, 2], [7, key.public.modulus - 1, 1 << 2000])
    made = [paillier.encrypt(key.public, values, SeededRandomness(b"the same draws")) for values in texts]
    roots = [paillier.extract_roots(key, some, values) for some, values in zip(made, texts, strict=True)]
    assert roots[0] == roots[1]
    for some, values in zip(made, texts, strict=True):
        assert paillier.rebuild_ciphertexts(key.public, values, roots[0]) == some
    added = paillier.multiply_ciphertexts(key.public, made)
    sums = paillier.decrypt_ciphertexts(key, added)
    assert paillier.rebuild_ciphertexts(key.public, sums, paillier.extract_roots(key, added, sums)) == added

"""What is kept, for what, and how much."""

from dataclasses import replace

import numpy as np

from edge.explain.lime import lime
from edge.explain.lime_result import LimeResult, LimeSettings
from edge.explain.worker.cache import LimeCache, key_of

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)
SETTINGS = LimeSettings(samples=16)


def result(samples: int = 16) -> LimeResult:
    settings = LimeSettings(samples=samples)
    return lime(PICTURE, lambda picture: picture[::8, ::8, 0].ravel() / np.float32(99), settings)


def test_another_picture_model_or_setting_is_another_result() -> None:
    other = PICTURE.copy()
    other[0, 0, 0] ^= 1
    keys = {
        key_of(PICTURE, "a", SETTINGS),
        key_of(other, "a", SETTINGS),
        key_of(PICTURE.reshape(12, 48, 3), "a", SETTINGS),
        key_of(PICTURE, "b", SETTINGS),
        key_of(PICTURE, "a", replace(SETTINGS, seed=1)),
        key_of(PICTURE, "a", replace(SETTINGS, segments=replace(SETTINGS.segments, ratio=0.3))),
    }
    assert len(keys) == 6
    assert key_of(PICTURE.copy(), "a", LimeSettings(samples=16)) in keys


def test_those_not_used_for_the_longest_time_go_first() -> None:
    found = result()
    probe = LimeCache(10**9)
    probe.put("x", found)
    cache = LimeCache(3 * probe.bytes)
    for key in "abc":
        cache.put(key, found)
    assert cache.get("a") is found
    cache.put("d", found)
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]
    assert len(cache) == 3
    assert cache.bytes == 3 * probe.bytes


def test_a_result_put_again_counts_once() -> None:
    cache = LimeCache(10**9)
    cache.put("a", result())
    once = cache.bytes
    cache.put("a", result())
    assert (len(cache), cache.bytes) == (1, once)


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = LimeCache(10)
    cache.put("a", result())
    assert (len(cache), cache.bytes) == (0, 0)
    assert cache.get("a") is None

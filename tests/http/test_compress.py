"""gzip and zlib, with a cap on what comes out."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.http.compress import TooLargeError, deflate, inflate


@given(st.binary(max_size=5000))
def test_there_and_back(data):
    assert inflate(deflate(data), 5000) == data
    assert inflate(zlib.compress(data), 5000) == data
    assert inflate(gzip.compress(data) + b"\0\0", 5000) == data


@given(st.binary(max_size=200))
def test_any_bytes_are_data_or_an_error(data):
    try:
        assert len(inflate(data, 1000)) <= 1000
    except ValueError:
        pass


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_up_to_the_limit(size):
    assert len(inflate(gzip.compress(bytes(size)), 1000)) == size


@pytest.mark.parametrize("data", [gzip.compress(bytes(1001)), gzip.compress(bytes(600)) * 2])
def test_beyond_the_limit(data):
    with pytest.raises(TooLargeError):
        inflate(data, 1000)


@pytest.mark.parametrize("cut", range(1, 30))
def test_cut_short(cut):
    with pytest.raises(ValueError, match=r"gzip"):
        inflate(gzip.compress(b"some text that is packed")[:-cut], 1000)

"""Files of arrays: what is read is what was written, bit for bit, and what was cut off or changed is refused by name."""

import json
import sys

import numpy as np
import pytest

from tinygrad_edu.array_files import file_of_arrays, read_arrays
from tinygrad_edu.errors import DataError, MissingExtraError

pytest.importorskip("safetensors")

ARRAYS = {
    "W": np.arange(6.0).reshape(2, 3).T,  # not contiguous
    "single": np.array(0.1, np.float32),
    "empty": np.zeros((0, 2)),
    "special": np.array([np.nan, np.inf, -0.0, 5e-324]),
    "numbers": np.arange(3, dtype=np.int32),
    "big_endian": np.arange(3, dtype=">i8"),
    "mask": np.array([True, False]),
}
FACTS = {"columns": ["größe", "花", 'a"b\n'], "epoch": 3, "state": 2**127, "nothing": None}


def test_what_is_read_is_what_was_written_bit_for_bit(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(file_of_arrays(ARRAYS, FACTS))
    arrays, facts = read_arrays(path, "a model")
    assert facts == FACTS
    assert {*arrays} == {*ARRAYS}
    for name, array in arrays.items():
        assert array.shape == ARRAYS[name].shape
        assert array.dtype == ARRAYS[name].dtype.newbyteorder("=")
        assert array.tobytes() == ARRAYS[name].astype(array.dtype).tobytes()


def test_the_same_is_written_as_the_same_bytes():
    assert file_of_arrays(ARRAYS, FACTS) == file_of_arrays(ARRAYS, FACTS)


def test_other_programs_read_the_arrays():
    from safetensors.numpy import load

    assert load(file_of_arrays({"w": np.ones(2)}, {}))["w"].tolist() == [1, 1]


def test_a_file_that_was_cut_off_anywhere_is_refused_by_name(tmp_path):
    whole, path = file_of_arrays({"w": np.arange(4.0)}, {"epoch": 3}), tmp_path / "cut.safetensors"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"cut\.safetensors is not a model, or is damaged \(cut off, perhaps\)"):
            read_arrays(path, "a model")


def test_a_file_with_any_bit_changed_is_refused_by_name(tmp_path):
    whole, path = file_of_arrays({"w": np.arange(2.0)}, {"epoch": 3}), tmp_path / "changed.safetensors"
    for place in range(len(whole)):
        for bit in (1, 32):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            with pytest.raises(DataError, match=r"changed\.safetensors"):
                read_arrays(path, "a model")


@pytest.mark.parametrize("content", [b"", b"epoch,loss\n1,2\n", b"\x80\x04pickle", b"\xff" * 100])
def test_a_file_that_is_none_is_refused_by_name(content, tmp_path):
    path = tmp_path / "strange.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"strange\.txt is not a model"):
        read_arrays(path, "a model")


def test_a_file_of_another_program_is_refused_by_name(tmp_path):
    from safetensors.numpy import save

    path = tmp_path / "other.safetensors"
    for metadata in (None, {"format": "pt"}):
        path.write_bytes(save({"w": np.ones(2)}, metadata=metadata))
        with pytest.raises(DataError, match=r"other\.safetensors is a safetensors file, but not a model"):
            read_arrays(path, "a model")


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.safetensors", "a model")
    with pytest.raises(IsADirectoryError):
        read_arrays(tmp_path, "a model")


@pytest.mark.parametrize("array", [["text"], [object()], [1j], np.array(["2026-11-27"], "datetime64[D]")])
def test_only_numbers_and_truths_are_written(array):
    with pytest.raises(DataError, match="the array 'w' cannot be saved"):
        file_of_arrays({"w": array}, {})


@pytest.mark.parametrize("fact", [np.ones(2), float("nan"), {1, 2}])
def test_only_json_is_written(fact):
    with pytest.raises(DataError, match="cannot be saved, since they are not JSON"):
        file_of_arrays({}, {"fact": fact})


def test_without_safetensors_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for call in (lambda: file_of_arrays({}, {}), lambda: read_arrays(tmp_path, "a model")):
        with pytest.raises(MissingExtraError, match=r'pip install "tinygrad_edu\[safetensors\]"'):
            call()


def test_what_is_in_a_file_is_json_that_can_be_read():
    content = file_of_arrays({}, FACTS)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["tinygrad_edu"])["facts"] == FACTS

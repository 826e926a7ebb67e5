"""Models on disk: checked before use, nothing executed, the released one complete."""

import hashlib
import io
import json
import os
import pickle
import shutil
import tracemalloc
import zipfile

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError, ModelError
from IVDSegmentationLib.networks.card import roles_of
from IVDSegmentationLib.networks.models import (
    MODELS_FOLDER,
    ROLES,
    checksum,
    load_arrays,
    load_card,
    load_model,
    model_names,
    save_arrays,
)
from IVDSegmentationLib.training.release import release_model

RELEASED = MODELS_FOLDER / "default"


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(RELEASED, tmp_path / "model")


def test_arrays_survive_a_round_trip_in_half_precision(tmp_path):
    arrays = [np.random.default_rng(i).normal(size=(3, 2, i + 1)).astype(np.float32) for i in range(12)]
    save_arrays(tmp_path / "weights.npz", arrays)
    for saved, array in zip(load_arrays(tmp_path / "weights.npz"), arrays, strict=True):
        assert saved.dtype == np.float32
        np.testing.assert_array_equal(saved, array.astype(np.float16))
    assert [p.name for p in tmp_path.iterdir()] == ["weights.npz"], "nothing half-written is left beside"


def test_pickled_weights_are_refused_and_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    (tmp_path / "weights.npz").write_bytes(pickle.dumps(Bomb()))
    np.savez(tmp_path / "objects.npz", np.array([Bomb()], dtype=object))
    for name in ("weights.npz", "objects.npz"):
        with pytest.raises(ModelError, match="cannot be read as weights"):
            load_arrays(tmp_path / name)
    assert not (tmp_path / "executed").exists()


def test_the_released_model_loads_and_its_card_says_what_it_is():
    model = load_model()
    assert model_names() == ["default"]
    card = model.card
    for key in ("name", "version", "date", "data", "training", "results", "limits", "sources", "license", "machine"):
        assert card[key], f"the card says nothing of {key}"
    assert "IVDM3Seg" in json.dumps(card["sources"]) and "MyoSegmenTUM" in json.dumps(card["sources"])
    assert roles_of(card) == list(model.networks)
    for role in model.networks:
        assert sum(a.size for a in load_arrays(RELEASED / f"{role}.npz")) == card[role]["trained_parameters"]
        assert role in ("localizer", "levels") or 0 < np.dot(card.get("confidence", {}).get(role, (1, 0)), (0.9, 1.0)) <= 1


@pytest.mark.parametrize("role", ROLES)
def test_one_changed_byte_is_noticed(copy, role):
    path = copy / f"{role}.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelError, match=f"{role}.npz of model model is not the released file"):
        load_model(str(copy))


def test_a_model_has_the_networks_of_its_card_and_those_that_segment_must_be_among_them(copy):
    card = json.loads((copy / "card.json").read_text())
    shutil.copy(copy / "segmenter.npz", copy / "another.npz")
    (copy / "card.json").write_text(json.dumps({**card, "another": card["segmenter"] | {"weights": "another.npz"}}))
    assert set(load_model(str(copy)).networks) == {"localizer", "segmenter", "levels", "another"}
    (copy / "card.json").write_text(json.dumps({key: value for key, value in card.items() if key != "segmenter"}))
    with pytest.raises(ModelError, match="card of model model names no segmenter"):
        load_model(str(copy))


def test_a_release_is_the_trainings_with_their_card_and_a_training_that_did_not_finish_leaves_nothing(copy, tmp_path):
    card = load_card(copy)
    for role in ROLES:
        (tmp_path / role).mkdir()
        shutil.copy(copy / f"{role}.npz", tmp_path / role / "weights.npz")
        record = {key: card[role][key] for key in ("architecture", "parameters")}
        (tmp_path / role / "finished.json").write_text(json.dumps({**record, "steps": 7}))
    trainings = {role: tmp_path / role for role in ROLES}
    with pytest.raises(InputError, match="run `ivdseg fit levels`"):
        release_model(trainings, copy / "card.json", tmp_path / "new")
    (tmp_path / "fit.json").write_text(json.dumps({"chain": card["levels"]["chain"]}))
    release_model(trainings, copy / "card.json", tmp_path / "new", levels_fit=tmp_path)
    model = load_model(str(tmp_path / "new"))
    assert [model.card[role]["training"] for role in ROLES] == [{"steps": 7}] * len(ROLES)
    assert model.card["levels"]["chain"] == card["levels"]["chain"]
    rows = "subject,subset,centre,dice,expected_dice,mean_disc_probability\n"
    rows += "".join(f"{who},all,given,0.{80 + who},0.{82 + who},0.{94 + who}\n" for who in range(3))
    (tmp_path / "rows.csv").write_text(rows)
    release_model(trainings, copy / "card.json", tmp_path / "judged", tmp_path, tmp_path)
    assert load_model(str(tmp_path / "judged")).card["least_probability"] == pytest.approx(0.93)
    assert load_model(str(tmp_path / "judged")).card["confidence"]["segmenter"] == pytest.approx([1.0, -0.02])
    with pytest.raises(InputError, match="is not that of a segmenter's cross-validation"):
        release_model(trainings, copy / "card.json", tmp_path / "none", tmp_path / "nowhere", tmp_path)
    (tmp_path / "segmenter" / "finished.json").unlink()
    with pytest.raises(InputError, match="segmenter holds no finished training: run `ivdseg train segmenter`"):
        release_model(trainings, copy / "card.json", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_missing_weights_card_or_model_are_named(copy):
    (copy / "segmenter.npz").unlink()
    with pytest.raises(ModelError, match=r"segmenter\.npz is missing"):
        load_model(str(copy))
    with pytest.raises(ModelError, match=r"model nonsense has no readable card\.json: known models are default"):
        load_model("nonsense")
    (copy / "card.json").write_text("{")
    with pytest.raises(ModelError, match=r"no readable card\.json"):
        load_card(copy)


def test_weights_that_do_not_fit_the_card_are_an_error(copy):
    card = json.loads((copy / "card.json").read_text())
    card["segmenter"]["parameters"]["features"] = [8, 16, 32]
    card["segmenter"]["sha256"] = checksum(copy / "segmenter.npz")
    (copy / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"segmenter\.npz of model model does not fit its card"):
        load_model(str(copy))


def test_the_checksums_agree_with_sha256sum(copy):
    card = load_card(RELEASED)
    for role in ROLES:
        digest = hashlib.sha256((RELEASED / f"{role}.npz").read_bytes()).hexdigest()
        assert card[role]["sha256"] == digest == checksum(RELEASED / f"{role}.npz")


# --- models from anywhere ---------------------------------------------------------------------------------------------------

DEEP = "[" * 100_000
DAMAGED_CARDS = {
    "no json": b"{",
    "empty": b"",
    "not utf-8": b'{"name": "\xff"}',
    "a list": b"[]",
    "a number": b"7",
    "deep": DEEP.encode(),
    "long": b'{"name": "x"}' + b" " * (2 << 20),
    "no name": {"name": None},
    "a name of two lines": {"name": "two\nlines"},
    "no localizer": {"localizer": None},
    "a localizer that is a list": {"localizer": []},
    "weights elsewhere": {"localizer": {"weights": "../../default/localizer.npz"}},
    "absolute weights": {"localizer": {"weights": "/dev/zero"}},
    "weights that are a number": {"localizer": {"weights": 5}},
    "no weights": {"localizer": {"weights": None}},
    "no checksum": {"localizer": {"sha256": None}},
    "a checksum that is none": {"localizer": {"sha256": "z" * 64}},
    "another architecture": {"localizer": {"architecture": "transformer"}},
    "an architecture that is a list": {"localizer": {"architecture": ["unet"]}},
    "no parameters": {"localizer": {"parameters": None}},
    "unknown parameters": {"localizer": {"parameters": {"hidden": 4}}},
    "text for features": {"localizer": {"parameters": {"features": "sixteen"}}},
    "huge features": {"localizer": {"parameters": {"features": [10**9, 10**9]}}},
    "negative features": {"localizer": {"parameters": {"features": [-1, 2]}}},
    "no features": {"localizer": {"parameters": {"features": []}}},
    "parts of features": {"localizer": {"parameters": {"features": [16.5, 32]}}},
    "infinite dropout": b'{"name": "x", "localizer": {"architecture": "unet", "weights": "localizer.npz", "sha256": "'
    + b"0" * 64
    + b'", "parameters": {"dropout": Infinity}}}',
    "text for a confidence": {"confidence": {"segmenter": ["a", "b"]}},
    "weights elsewhere, of a network of another role": {"another": {"weights": "../x.npz"}},
    "a confidence that is a number": {"confidence": 3},
    "a least probability above one": {"least_probability": 1.5},
    "text for a least probability": {"least_probability": "high"},
}


@pytest.mark.parametrize("damage", DAMAGED_CARDS.values(), ids=DAMAGED_CARDS)
def test_a_damaged_card_is_one_sentence(copy, damage):
    if isinstance(damage, dict):
        card = json.loads((copy / "card.json").read_text())
        for key, value in damage.items():
            card[key] = {**card[key], **value} if isinstance(value, dict) and isinstance(card.get(key), dict) else value
        damage = json.dumps(card).encode()
    (copy / "card.json").write_bytes(damage)
    with pytest.raises(ModelError, match=r"install the extension again|the card of model model") as caught:
        load_model(str(copy))
    assert str(caught.value).isprintable()


def with_weights(copy, content):
    """The model with other weights of the localizer, which its card gives the checksum of."""
    (copy / "localizer.npz").write_bytes(content)
    card = json.loads((copy / "card.json").read_text())
    card["localizer"]["sha256"] = hashlib.sha256(content).hexdigest()
    (copy / "card.json").write_text(json.dumps(card))


def npz(**entries):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return packed.getvalue()


def npy(shape, kind="<f2", body=b""):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


HOSTILE_WEIGHTS = {
    "no archive": b"weights",
    "empty": b"",
    "an archive of nothing": npz(),
    "a bomb": npz(a=npy((200_000_000,), "<f2", bytes(400_000_000))),
    "a promise of terabytes": npz(a=npy((10**6, 10**6), "<f2")),
    "cut short": npz(a=npy((100,), "<f2", bytes(150))),
    "text": npz(a=npy((4,), "<U8", bytes(128))),
    "complex numbers": npz(a=npy((4,), "<c8", bytes(32))),
    "NaN": npz(a=npy((2,), "<f2", b"\x00\x7e" * 2)),
    "no arrays": npz(a=b"x"),
    "too few": npz(a=npy((4,), "<f2", bytes(8))),
}


@pytest.mark.parametrize("content", HOSTILE_WEIGHTS.values(), ids=HOSTILE_WEIGHTS)
def test_weights_that_are_none_are_refused_with_little_memory(copy, content):
    with_weights(copy, content)
    load_arrays(RELEASED / "localizer.npz")
    tracemalloc.start()
    with pytest.raises(ModelError, match=r"localizer\.npz"):
        load_model(str(copy))
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["card.json", "localizer.npz"])
def test_a_pipe_in_a_model_is_never_opened(copy, name):
    (copy / name).unlink()
    os.mkfifo(copy / name)
    with pytest.raises(ModelError, match="install the extension again"):
        load_model(str(copy))


def test_the_checksums_of_a_model_are_those_of_what_was_loaded(copy):
    arrays = load_arrays(copy / "localizer.npz")
    save_arrays(copy / "localizer.npz", [array / 2 for array in arrays])
    with_weights(copy, (copy / "localizer.npz").read_bytes())
    model = load_model(str(copy))
    assert model.name == "default"
    assert model.checksums == {role: checksum(copy / f"{role}.npz") for role in ROLES}
    assert model.checksums["localizer"] != load_card(RELEASED)["localizer"]["sha256"]
    batch = np.random.default_rng(0).random((1, 16, 16, 16, 4), np.float32)
    maps = [loaded.networks["localizer"].predict_on_batch(batch) for loaded in (model, load_model())]
    assert np.abs(maps[0] - maps[1]).max() > 0.1

"""The frames of a run as one array: complete, in order, in pieces, and only for who may see the run."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.urls import reverse

from core import frame_files
from core.exceptions import NotFound
from core.frame_files import write_npy
from core.models import FieldState, Run
from core.selectors import list_frames, read_frames, sample_frames
from tests.core.test_frames import make_wave, record
from tests.factories.accounts import UserFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = "/api/v1/fields/frames/"


def make_run(count: int = 5, **fields: Any) -> Run:
    run = RunFactory(**fields)
    record(run, *(make_wave(turns=turns) for turns in range(count)))
    return run


def ask(client: Any, run: int, **query: Any) -> Any:
    return client.get(ADDRESS, {"run": run, **query})


def read(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize("piece", [1, 2 * 8 * 32 * 32, 2**20])
def test_an_npy_file_holds_every_frame(admin_api: Any, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_files, "PIECE_BYTES", piece)
    run = make_run()
    answer = ask(admin_api, run.pk)
    body = read(answer)
    assert answer.headers["Content-Type"] == "application/x-npy"
    assert int(answer.headers["Content-Length"]) == len(body)
    assert answer.headers["X-Frame-Count"] == "5"
    frames = np.load(io.BytesIO(body), allow_pickle=False)
    assert frames.dtype == np.complex64
    assert np.array_equal(frames, [make_wave(turns=turns) for turns in range(5)])


def test_a_part_of_the_time_and_a_stride(admin_api: Any) -> None:
    run = make_run(8)
    body = read(ask(admin_api, run.pk, **{"from": "2026-01-01T00:00:01Z", "to": "2026-01-01T00:00:07Z", "stride": 2}))
    frames = np.load(io.BytesIO(body), allow_pickle=False)
    assert np.array_equal(frames, [make_wave(turns=turns) for turns in (1, 3, 5)])


@pytest.mark.parametrize("piece", [1, 2 * 8 * 32 * 32, 2**20])
def test_a_zarr_store_holds_frames_times_and_ids(admin_api: Any, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_files, "PIECE_BYTES", piece)
    run = make_run()
    archive = zipfile.ZipFile(io.BytesIO(read(ask(admin_api, run.pk, **{"as": "zarr"}))))
    assert archive.testzip() is None
    metadata = json.loads(archive.read(".zmetadata"))["metadata"]
    for name, described in metadata.items():
        assert json.loads(archive.read(name)) == described
    field = metadata["field/.zarray"]
    assert (field["shape"], field["dtype"]) == ([5, 32, 32], "<c8")
    chunk = field["chunks"]
    parts = [
        np.frombuffer(archive.read(f"field/{index}.0.0"), "<c8").reshape(chunk) for index in range(-(-5 // chunk[0]))
    ]
    frames = np.concatenate(parts)[:5]
    assert np.array_equal(frames, [make_wave(turns=turns) for turns in range(5)])
    times = np.frombuffer(archive.read("time/0"), "<i8").astype("datetime64[us]")
    assert times[1] == np.datetime64("2026-01-01T00:00:01")
    rows = FieldState.objects.for_run(run.pk).order_by("timestamp")
    assert np.frombuffer(archive.read("id/0"), "<i8").tolist() == list(rows.values_list("id", flat=True))
    assert metadata["field/.zattrs"]["_ARRAY_DIMENSIONS"] == ["time", "y", "x"]


def test_lines_are_an_array_of_two_dimensions(admin_api: Any) -> None:
    run = RunFactory()
    record(run, np.arange(16).astype(np.complex64), np.ones(16, np.complex64))
    assert np.load(io.BytesIO(read(ask(admin_api, run.pk)))).shape == (2, 16)
    archive = zipfile.ZipFile(io.BytesIO(read(ask(admin_api, run.pk, **{"as": "zarr"}))))
    assert json.loads(archive.read("field/.zattrs"))["_ARRAY_DIMENSIONS"] == ["time", "x"]
    assert ask(admin_api, run.pk, **{"as": "png"}).content[:4] == b"\x89PNG"


def test_a_strip_shows_frames_side_by_side(admin_api: Any) -> None:
    run = make_run()
    picture = ask(admin_api, run.pk, **{"as": "png", "frames": 3, "size": 40})
    assert picture.headers["Content-Type"] == "image/png"
    width, height = (int.from_bytes(picture.content[at : at + 4]) for at in (16, 20))
    assert (width, height) == (3 * 40 + 2 * 2, 40)


def test_a_strip_spreads_its_frames_over_time() -> None:
    run = make_run(9)
    keys = sample_frames(run_id=run.pk, start=None, end=None, count=3)
    assert [(at - START).total_seconds() for _, at in keys] == [0, 4, 8]
    assert len(sample_frames(run_id=run.pk, start=None, end=None, count=32)) == 9
    assert len(sample_frames(run_id=run.pk, start=START + timedelta(seconds=8), end=None, count=3)) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "run"),
        ({"run": "0"}, "run"),
        ({"run": "x"}, "run"),
        ({"run": 2**63}, "run"),
        ({"run": 1, "from": "yesterday"}, "from"),
        ({"run": 1, "to": "2026-02-30T00:00:00Z"}, "to"),
        ({"run": 1, "stride": 0}, "stride"),
        ({"run": 1, "stride": "9" * 30}, "stride"),
        ({"run": 1, "as": "gif"}, "as"),
        ({"run": 1, "frames": 1000, "as": "png"}, "frames"),
        ({"run": 1, "size": 4, "as": "png"}, "size"),
        ({"run": 1, "cursed": 1}, "cursed"),
    ],
)
def test_what_makes_no_sense_is_named(admin_api: Any, query: dict[str, Any], field: str) -> None:
    answer = admin_api.get(ADDRESS, query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_run_without_frames_and_one_of_two_shapes(admin_api: Any) -> None:
    run = RunFactory()
    for kind in ("npy", "zarr", "png"):
        assert ask(admin_api, run.pk, **{"as": kind}).status_code == 404
    record(run, make_wave(32), make_wave(16))
    answer = ask(admin_api, run.pk)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "run")


def test_a_frame_that_goes_while_the_answer_is_read_ends_it() -> None:
    run = make_run()
    keys = list_frames(run_id=run.pk, start=None, end=None).keys
    with pytest.raises(NotFound, match="gone since"):
        list(write_npy([*keys, (keys[0][0] + 10**6, START)], (32, 32), read_frames))


def test_the_admin_shows_a_strip_of_the_run(admin_client: Any) -> None:
    run = make_run()
    state = FieldState.objects.for_run(run.pk).first()
    address = reverse("admin:core_fieldstate_strip", args=[run.pk])
    assert address in admin_client.get(reverse("admin:core_fieldstate_change", args=[state.pk])).content.decode()
    assert address in admin_client.get(reverse("admin:core_run_change", args=[run.pk])).content.decode()
    picture = admin_client.get(address)
    assert picture.headers["Content-Type"] == "image/png"
    assert int.from_bytes(picture.content[16:20]) == 5 * 96 + 4 * 2
    assert admin_client.get(reverse("admin:core_fieldstate_strip", args=[RunFactory().pk])).status_code == 404


def test_who_may_not_see_fields_gets_none(api: Any) -> None:
    run = make_run()
    assert ask(api, run.pk).status_code in (401, 403)
    api.force_authenticate(UserFactory(is_active=True))
    assert ask(api, run.pk).status_code in (403, 404)

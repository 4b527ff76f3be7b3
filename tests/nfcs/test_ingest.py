"""Batches of telemetry over HTTP: what is stored, what is refused and how."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from core.models import FieldState
from core.selectors import get_frame
from kuramoto.models import OscillatorState
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.core import RunFactory
from tests.factories.kuramoto import make_phases
from validation.models import MetricSample

pytestmark = pytest.mark.django_db

TIME = "2026-01-01T00:00:00Z"


def post(client: Any, kind: str, body: Any, content_type: str = "application/json") -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.generic("POST", f"/api/v1/{kind}/batch/", data, content_type=content_type)


def oscillator(run: int, **fields: Any) -> dict[str, Any]:
    return {"run": run, "timestamp": TIME, "phases": make_phases(0.5).tolist(), "coupling_strength": 2.0} | fields


def field(run: int, **fields: Any) -> dict[str, Any]:
    values = np.exp(1j * np.linspace(0, 2 * np.pi, 64)).reshape(8, 8)
    body = {"run": run, "timestamp": TIME, "resolution": 8, "real": values.real.tolist(), "imag": values.imag.tolist()}
    return body | fields


def metric(run: int, **fields: Any) -> dict[str, Any]:
    body = {"run": run, "timestamp": TIME, "metric_name": "loss", "metric_value": 0.5, "component": "esc"}
    return body | {"metric_unit": "1", "tags": {"fold": 1}} | fields


ROWS = {"oscillators": oscillator, "fields": field, "metrics": metric}
MODELS = {"oscillators": OscillatorState, "fields": FieldState, "metrics": MetricSample}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("lines", [False, True])
def test_a_batch_is_stored_and_summarised(admin_api: Any, kind: str, lines: bool) -> None:
    run = RunFactory()
    rows = [ROWS[kind](run.pk, timestamp=f"2026-01-01T00:00:{second:02}Z") for second in range(3)]
    body: Any = b"\n".join(json.dumps(row).encode() for row in rows) if lines else rows
    answer = post(admin_api, kind, body, "application/x-ndjson" if lines else "application/json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["inserted"] == 3
    assert answer.json()["runs"][0]["rows"] == 3
    assert MODELS[kind].objects.filter(run_id=run.pk).count() == 3


def test_derived_values_come_back(admin_api: Any) -> None:
    run = RunFactory()
    (outcome,) = post(admin_api, "oscillators", [oscillator(run.pk)]).json()["runs"]
    assert outcome["derived"]["r"] == pytest.approx({"min": 0.5, "mean": 0.5, "max": 0.5, "last": 0.5})


def test_natural_frequencies_settle_on_the_run(admin_api: Any) -> None:
    run = RunFactory()
    frequencies = np.linspace(-1, 1, 64).tolist()
    assert post(admin_api, "oscillators", [oscillator(run.pk, natural_frequencies=frequencies)]).status_code == 201
    run.refresh_from_db()
    assert run.natural_frequencies == frequencies
    answer = post(admin_api, "oscillators", [oscillator(run.pk, natural_frequencies=[0.0] * 64)])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "0.natural_frequencies"


def test_a_field_as_base64_is_the_same_field(admin_api: Any) -> None:
    run = RunFactory()
    body = field(run.pk)
    values = np.array(body["real"]) + 1j * np.array(body["imag"])
    frame = base64.b64encode(values.astype("<c8").tobytes()).decode()
    packed = {name: body[name] for name in ("run", "timestamp", "resolution")} | {"frame": frame}
    assert post(admin_api, "fields", [body, packed]).status_code == 201
    first, second = FieldState.objects.for_run(run.pk).order_by("id")
    assert bytes(first.frame) == bytes(second.frame)
    assert np.array_equal(get_frame(first.pk, first.timestamp), values.astype(np.complex64))
    assert first.energy_state == pytest.approx(64)


def test_defects_of_the_field_count_in_the_ha_of_the_phases(admin_api: Any) -> None:
    run = RunFactory()
    assert post(admin_api, "fields", [field(run.pk)]).status_code == 201
    assert post(admin_api, "oscillators", [oscillator(run.pk, timestamp="2026-01-01T00:00:01Z")]).status_code == 201
    state, stored = OscillatorState.objects.get(run=run), FieldState.objects.get(run=run)
    assert state.ha_defect == stored.ha_defect
    assert state.ha == pytest.approx(5 * state.ha_defect)


@pytest.mark.parametrize(
    ("kind", "fields", "name"),
    [
        ("oscillators", {"phases": [0.0] * 63 + ["x"]}, "1.phases.63"),
        ("oscillators", {"phases": []}, "1.phases"),
        ("oscillators", {"phases": [1e300] * 64}, "1.phases"),
        ("oscillators", {"phases": [0.0] * 63}, "1.phases"),
        ("oscillators", {"semantic_embedding": [0.0] * 768}, "1.semantic_embedding"),
        ("oscillators", {"semantic_embedding": [1e39] * 768}, "1.semantic_embedding"),
        ("oscillators", {"semantic_embedding": [1.0] * 512}, "1.semantic_embedding"),
        ("oscillators", {"prediction_horizons": {"30": 1.5}}, "1.prediction_horizons.30"),
        ("oscillators", {"prediction_horizons": {"31": 0.5}}, "1.prediction_horizons.31"),
        ("oscillators", {"sync_parameter": 0.9}, "1.sync_parameter"),
        ("oscillators", {"run": 2**63}, "1.run"),
        ("oscillators", {"run": 12345678}, "1.run"),
        ("oscillators", {"run": None}, "1.run"),
        ("oscillators", {"timestamp": "2026-02-30T00:00:00Z"}, "1.timestamp"),
        ("oscillators", {"timestamp": "2026-01-01T00:00:00"}, "1.timestamp"),
        ("oscillators", {"timestamp": "0000-01-01T00:00:00Z"}, "1.timestamp"),
        ("oscillators", {"timestamp": "9999-12-31T23:59:59-10:00"}, "1.timestamp"),
        ("oscillators", {"timestamp": "2016-12-31T23:59:60Z"}, "1.timestamp"),
        ("oscillators", {"colour": "red"}, "1.colour"),
        ("fields", {"resolution": 9}, "1.real"),
        ("fields", {"real": [[0.0]]}, "1.real"),
        ("fields", {"imag": None}, "1.imag"),
        ("fields", {"real": [[1e300] * 8] * 8}, "1.field"),
        ("fields", {"frame": "AAAA"}, "1.frame"),
        ("fields", {"frame": "AAAA", "real": None, "imag": None}, "1.frame"),
        ("fields", {"length": 0.0}, "1.length"),
        ("fields", {"scheme": "a\u0000b"}, "1.scheme"),
        ("fields", {"coherence_level": 0.99}, "1.coherence_level"),
        ("metrics", {"metric_name": ""}, "1.metric_name"),
        ("metrics", {"metric_name": "a\u0000b"}, "1.metric_name"),
        ("metrics", {"metric_name": "x" * 101}, "1.metric_name"),
        ("metrics", {"component": "x" * 51}, "1.component"),
        ("metrics", {"metric_unit": "x" * 21}, "1.metric_unit"),
        ("metrics", {"metric_value": "0.5"}, "1.metric_value"),
        ("metrics", {"tags": {"a\u0000": 1}}, "1.tags"),
        ("metrics", {"tags": []}, "1.tags"),
        ("metrics", {"recorded_at": TIME}, "1.timestamp"),
        ("metrics", {"timestamp": None}, "1.timestamp"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_stored(admin_api: Any, kind: str, fields: dict, name: str) -> None:
    run = RunFactory()
    answer = post(admin_api, kind, [ROWS[kind](run.pk), ROWS[kind](run.pk) | fields])
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert name in [error["field"] for error in answer.json()["errors"]]
    assert not MODELS[kind].objects.filter(run_id=run.pk).exists()


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"{}",
        b"[]",
        b"null",
        b"[1]",
        b"[NaN]",
        b"\xff\xfe",
        b"\xef\xbb\xbf[]",
        b"[" * 5000,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b'[{"run": 1e999}]',
        b'[{"run": ' + b"9" * 5000 + b"}]",
        b'[{"metric_name": "\\ud800"}]',
        b'[{"\\u0000": 1}]',
        b"[" + b",".join(b'{"k%d": 1}' % index for index in range(70_000)) + b"]",
    ],
    ids=range(16),
)
def test_a_body_that_is_no_batch_is_a_problem(admin_api: Any, kind: str, body: bytes) -> None:
    answer = post(admin_api, kind, body)
    assert answer.status_code == 400, answer.content[:500]
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "text/csv"}, 415),
        ({"content_type": "application/json; charset=utf-16"}, 415),
        ({"content_type": "application/json", "HTTP_CONTENT_ENCODING": "br"}, 415),
    ],
)
def test_other_media_are_refused(admin_api: Any, headers: dict, status: int) -> None:
    assert admin_api.generic("POST", "/api/v1/metrics/batch/", b"[]", **headers).status_code == status


def test_a_body_past_the_limit_is_413(admin_api: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert post(admin_api, "metrics", b"[" + b" " * 200 + b"]").status_code == 413


def test_an_unknown_parameter_is_refused(admin_api: Any) -> None:
    answer = admin_api.generic("POST", "/api/v1/metrics/batch/?dream=1", b"[]", content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "dream"


def test_who_may_write(api: Any) -> None:
    mine, other = UserFactory(), UserFactory()
    run = RunFactory(owner=other)
    assert post(api, "metrics", [metric(run.pk)]).status_code == 401
    api.force_authenticate(mine)
    assert post(api, "metrics", [metric(run.pk)]).status_code in (400, 403)
    assert not MetricSample.objects.filter(run_id=run.pk).exists()


def test_two_runs_in_one_batch_are_both_stored(admin_api: Any) -> None:
    first, second = RunFactory(), RunFactory()
    answer = post(admin_api, "metrics", [metric(second.pk), metric(first.pk), metric(second.pk)])
    assert {outcome["run"]: outcome["rows"] for outcome in answer.json()["runs"]} == {first.pk: 1, second.pk: 2}


def test_a_session_writes_with_its_form_token() -> None:
    user, run = AdminFactory(), RunFactory()
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    body = json.dumps([metric(run.pk)]).encode()
    assert post(client, "metrics", body).status_code == 403
    client.cookies["csrftoken"] = token = "x" * 32
    for path, document in (("metrics/batch/", body), ("runs/", b'{"name": "mine", "kind": "live"}')):
        headers = {"HTTP_X_CSRFTOKEN": token, "HTTP_IDEMPOTENCY_KEY": "k1"}
        answers = [
            client.generic("POST", f"/api/v1/{path}", document, content_type="application/json", **headers)
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [201, 201], answers[0].content
        assert answers[1]["Idempotency-Replayed"] == "true"
    assert MetricSample.objects.count() == 1

"""Other people's senders: InfluxDB's line protocol and OpenTelemetry's metrics, as they send them."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nfcs.ingest.senders.otlp import SHAPES, decode_request, encode_response, encode_status
from nfcs.ingest.senders.protobuf import ProtobufError, decode_message, encode_field
from tests.factories.accounts import UserFactory
from tests.factories.core import RunFactory
from validation.models import MetricSample

pytestmark = pytest.mark.django_db
AT = datetime(2026, 1, 1, tzinfo=UTC)
NS = 1767225600000000000
INFLUX = "/api/v1/ingest/influx/write"
INFLUX_2 = "/api/v1/ingest/influx/api/v2/write"
OTLP = "/api/v1/ingest/otlp/v1/metrics"
PROTOBUF = "application/x-protobuf"
REFERENCE = base64.b64decode(
    "Cq0DCkQKFQoMc2VydmljZS5uYW1lEgUKA3JpZwoRCghuZmNzLnJ1bhIFCgNSVU4KGAoJaG9zdC5jcHVzEgsY/v//////////ARLkAgoICgNsaWIS"
    "ATESYwoLdGVtcGVyYXR1cmUSAWQaA0NlbCpMCikZAAD67VFyhhghAAAAAACANUA6CwoEcm9vbRIDCgFhOggKAm9uEgIQAQoSGegD+u1RcoYYMf3/"
    "////////CgsZAAD67VFyhhhAARIwCghyZXF1ZXN0cxoBMTohChsRBQAAAAAAAAAZAAD67VFyhhgxAAAAAAAAAAAQAhgBEmkKB2xhdGVuY3kaAXNK"
    "WwpZGQAA+u1RcoYYIQMAAAAAAAAAKQAAAAAAAPg/MhgBAAAAAAAAAAIAAAAAAAAAAAAAAAAAAAA6EAAAAAAAAOA/AAAAAAAA8D9ZmpmZmZmZuT9h"
    "zczMzMzM7D8SGQoEc2l6ZRoCQnlSDQoLGQAA+u1RcoYYMAYSOwoDcnBjGgFzWjEKLxkAAPrtUXKGGCEEAAAAAAAAACkAAAAAAAAAQDISCa5H4XoU"
    "ru8/EQAAAAAAAOg/"
)
"""A request that the reference implementation (opentelemetry-proto 1.27 on protobuf) wrote; its run is `RUN`."""
STORED = {
    ("temperature", "Cel", 21.5),
    ("temperature", "Cel", -3.0),
    ("requests", "1", 0.0),
    ("latency.count", "s", 3.0),
    ("latency.sum", "s", 1.5),
    ("latency.min", "s", 0.1),
    ("latency.max", "s", 0.9),
    ("size.count", "By", 0.0),
    ("rpc.count", "s", 4.0),
    ("rpc.sum", "s", 2.0),
    ("rpc.q0.99", "s", 0.75),
}


def send(client: Any, path: str, body: bytes, content_type: str = "text/plain; charset=utf-8", **headers: Any) -> Any:
    return client.generic("POST", path, body, content_type=content_type, **headers)


def stored(*columns: str) -> list[Any]:
    return list(MetricSample.objects.order_by("recorded_at", "value").values_list(*columns))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"cpu usage=1.5 {NS}", ("cpu.usage", "cpu", {}, 1.5)),
        (f"cpu value=1 {NS}", ("cpu", "cpu", {}, 1.0)),
        (f"cpu,component=esc,host=a usage=-2i {NS}", ("cpu.usage", "esc", {"host": "a"}, -2.0)),
        (f"cpu usage=7u {NS}", ("cpu.usage", "cpu", {}, 7.0)),
        (f"cpu on=true {NS}", ("cpu.on", "cpu", {}, 1.0)),
        (f"cpu on=F {NS}", ("cpu.on", "cpu", {}, 0.0)),
        (f"cpu usage=1e-3 {NS}", ("cpu.usage", "cpu", {}, 0.001)),
        (rf"my\ cpu,ho\,st=a\=b\ c us\ age=.5 {NS}", ("my cpu.us age", "my cpu", {"ho,st": "a=b c"}, 0.5)),
        (f'cpu,host=a"b note="x, y=1 z\\"",usage=2 {NS}', ("cpu.usage", "cpu", {"host": 'a"b'}, 2.0)),
        (f"  cpu   usage=3   {NS}  \r", ("cpu.usage", "cpu", {}, 3.0)),
    ],
)
def test_a_line_is_a_sample(admin_api: Any, line: str, expected: Any) -> None:
    run = RunFactory()
    answer = send(admin_api, f"{INFLUX}?db={run.pk}", f"# a comment\n\n{line}\n".encode())
    assert answer.status_code == 204, answer.content
    columns = ("series__metric_name", "series__component", "series__tags", "value")
    assert stored(*columns) == [expected]
    assert stored("run_id", "recorded_at") == [(run.pk, AT)]


@pytest.mark.parametrize(
    ("precision", "time"),
    [("ns", NS), ("us", NS // 10**3), ("ms", NS // 10**6), ("s", NS // 10**9), ("h", NS // (3600 * 10**9))],
)
def test_times_have_the_precision_that_is_named(admin_api: Any, precision: str, time: int) -> None:
    run = RunFactory()
    answer = send(
        admin_api, f"{INFLUX_2}?bucket={run.run_uuid}&org=o&precision={precision}", f"cpu value=1 {time}".encode()
    )
    assert answer.status_code == 204, answer.content
    assert stored("recorded_at") == [(AT,)]


def test_a_line_without_a_time_is_of_now(admin_api: Any) -> None:
    run = RunFactory(name="my run")
    assert (
        send(admin_api, f"{INFLUX}?db=my+run", gzip.compress(b"cpu value=1"), HTTP_CONTENT_ENCODING="gzip").status_code
        == 204
    )
    ((at,),) = stored("recorded_at")
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    assert run.name == "my run"


@pytest.mark.parametrize(
    "line",
    [
        b"cpu",
        b"cpu usage",
        b"cpu usage=",
        b"cpu =1",
        b"cpu usage=1x",
        b'cpu note="open',
        b"cpu usage=1 soon",
        b"cpu usage=1 1 1",
        b",host=a usage=1",
        b"cpu,host usage=1",
        b"cpu usage=1e999",
        b"cpu usage=NaN",
        b"cpu usage=1 9223372036854775808",
        b"cpu usage=\xff",
        b"c\x00pu usage=1",
        b"x" * 200 + b" value=1",
    ],
)
def test_a_bad_line_is_named_and_the_others_are_stored(admin_api: Any, line: bytes) -> None:
    run = RunFactory()
    answer = send(admin_api, f"{INFLUX}?db={run.pk}", b"cpu value=1 %d\n%s\ncpu value=2 %d\n" % (NS, line, NS))
    assert answer.status_code == 400, answer.content
    body = answer.json()
    assert body["error"] == body["message"] == body["detail"]
    assert "dropped=1" in body["error"]
    assert body["errors"][0]["field"].partition(".")[0] == "1"
    assert stored("value") == [(1.0,), (2.0,)]


@pytest.mark.parametrize(
    "query", ["", "?db=", "?db=99999999", "?db=no+such", "?bucket=" + "9" * 40, "?db=1&precision=y", "?a=1"]
)
def test_lines_for_no_run_are_refused(admin_api: Any, query: str) -> None:
    assert send(admin_api, f"{INFLUX}{query}", b"cpu value=1").status_code == 400


def test_text_fields_are_left_out_and_counted(admin_api: Any) -> None:
    run = RunFactory()
    answer = send(admin_api, f"{INFLUX}?db={run.pk}", f'log text="a",level="b",n=1 {NS}'.encode())
    assert (answer.status_code, answer["NFCS-Skipped-Fields"]) == (204, "2")
    assert stored("value") == [(1.0,)]


def test_somebody_elses_run_is_none(api: Any) -> None:
    run = RunFactory(owner=UserFactory())
    for path in (INFLUX, INFLUX_2, OTLP):
        assert send(api, f"{path}?run={run.pk}", b"cpu value=1").status_code == 401
    api.force_authenticate(UserFactory())
    assert send(api, f"{INFLUX}?db={run.pk}", b"cpu value=1").status_code in (400, 403)
    assert not MetricSample.objects.exists()


def request_of(run: int, *, is_json: bool) -> bytes:
    body = REFERENCE.replace(b"RUN", f"{run:03}".encode())
    return json.dumps(decode_request(body, is_json=False)).encode() if is_json else body


@pytest.mark.parametrize("is_json", [True, False], ids=["json", "protobuf"])
def test_a_request_of_opentelemetry_is_stored(admin_api: Any, is_json: bool) -> None:
    run = RunFactory()
    assert run.pk < 1000, "the reference has room for three digits"
    media_type = "application/json" if is_json else PROTOBUF
    body = gzip.compress(request_of(run.pk, is_json=is_json))
    answer = send(admin_api, OTLP, body, media_type, HTTP_CONTENT_ENCODING="gzip")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == media_type
    assert answer.content == (b"{}" if is_json else b"")
    columns = ("series__metric_name", "series__metric_unit", "value")
    assert set(stored(*columns)) == STORED
    assert set(stored("series__component")) == {("rig",)}
    warm = MetricSample.objects.get(value=21.5)
    assert warm.series.tags == {"service.name": "rig", "host.cpus": -2, "room": "a", "on": True}
    assert (warm.run_id, warm.recorded_at) == (run.pk, AT)
    assert MetricSample.objects.get(value=-3).recorded_at == AT + timedelta(microseconds=1)


def point(**fields: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(NS), "asDouble": 1.0} | fields


def gauge(*points: Any, name: Any = "m") -> bytes:
    metric = {"name": name, "gauge": {"dataPoints": list(points)}}
    return json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}).encode()


@pytest.mark.parametrize(
    "bad",
    [
        point(asDouble="NaN"),
        point(asDouble="x"),
        point(timeUnixNano="0"),
        {"timeUnixNano": str(NS)},
        point(attributes=[{"key": "k", "value": {"intValue": "x"}}]),
        point(attributes=[{"key": "k" * 5000, "value": {"stringValue": "x"}}]),
        point(timeUnixNano=str(2**63)),
        point(timeUnixNano="9" * 5000),
        point(flags="x"),
    ],
)
def test_points_that_cannot_be_stored_are_counted(admin_api: Any, bad: dict[str, Any]) -> None:
    run = RunFactory()
    answer = send(admin_api, OTLP, gauge(point(), bad), "application/json", HTTP_NFCS_RUN=str(run.pk))
    assert answer.status_code == 200, answer.content
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedDataPoints"] == "1"
    assert partial["errorMessage"]
    assert stored("value") == [(1.0,)]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"resourceMetrics": 1}', "application/json", 400),
        (b'{"resourceMetrics": [{"resource": []}]}', "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b"\x0a\xff", PROTOBUF, 400),
        (b"\x0a\x02\x0a", PROTOBUF, 400),
        (b"\x08\x01", PROTOBUF, 400),
        (REFERENCE[:-5], PROTOBUF, 400),
        (gauge(point()), "application/json", 400),
        (b"", "text/csv", 415),
    ],
)
def test_a_request_that_is_none_is_a_status(admin_api: Any, body: bytes, media_type: str, status: int) -> None:
    answer = send(admin_api, OTLP, body, media_type)
    assert answer.status_code == status, answer.content
    if media_type == "application/json":
        assert answer.json()["code"] == 3
        assert answer.json()["message"]
    else:
        assert answer["Content-Type"] == PROTOBUF
        assert answer.content.startswith(b"\x08\x03\x12")
    assert not MetricSample.objects.exists()


def test_an_empty_request_is_nothing(admin_api: Any) -> None:
    assert send(admin_api, OTLP, b"", PROTOBUF).status_code == 200


def test_flipped_bytes_of_protobuf_never_fail_the_server(admin_api: Any) -> None:
    body = request_of(RunFactory().pk, is_json=False)
    for at in range(0, len(body), 3):
        damaged = body[:at] + bytes([body[at] ^ 0xA5]) + body[at + 1 :]
        assert send(admin_api, OTLP, damaged, PROTOBUF).status_code in (200, 400)


def test_answers_are_encoded_as_the_reference_does() -> None:
    assert encode_response(300, "why", is_json=False).hex() == "0a0808ac021203776879"
    assert encode_response(0, "", is_json=False) == b""
    assert encode_status(3, "no", is_json=False).hex() == "080312026e6f"


def test_messages_within_messages_end_somewhere() -> None:
    value = b""
    for _ in range(40):
        value = encode_field(5, encode_field(1, value))
    with pytest.raises(ProtobufError, match="too deeply"):
        decode_message(value, "AnyValue", SHAPES)

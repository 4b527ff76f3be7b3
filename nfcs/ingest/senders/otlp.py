"""OpenTelemetry's metrics: the request as JSON or protobuf, its data points as samples.

A gauge or sum becomes the metric of its name; a histogram or summary `name.count`, `name.sum` and what else it has of
`name.min`, `name.max` and `name.q0.99`. The component is the attribute `nfcs.component`, else `service.name` of the
resource, else the name of the instrumentation scope. Attributes of resource and point are tags.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from core.exceptions import FieldError
from nfcs.ingest.chunks import Chunk
from nfcs.ingest.senders.points import Point, describe_series, join_points
from nfcs.ingest.senders.protobuf import Field, ProtobufError, Shapes, decode_message, encode_field

RUN_ATTRIBUTE = "nfcs.run"
COMPONENT_ATTRIBUTE = "nfcs.component"
_NO_VALUE = 1
"""Flag of a data point that says that there was none."""

_POINT = {2: Field("startTimeUnixNano", "fixed64"), 3: Field("timeUnixNano", "fixed64")}
SHAPES: Shapes = {
    "Request": {1: Field("resourceMetrics", "ResourceMetrics", True)},
    "ResourceMetrics": {1: Field("resource", "Resource"), 2: Field("scopeMetrics", "ScopeMetrics", True)},
    "Resource": {1: Field("attributes", "KeyValue", True)},
    "ScopeMetrics": {1: Field("scope", "Scope"), 2: Field("metrics", "Metric", True)},
    "Scope": {1: Field("name", "string")},
    "Metric": {
        1: Field("name", "string"),
        3: Field("unit", "string"),
        5: Field("gauge", "Numbers"),
        7: Field("sum", "Numbers"),
        9: Field("histogram", "Histograms"),
        10: Field("exponentialHistogram", "ExponentialHistograms"),
        11: Field("summary", "Summaries"),
    },
    "Numbers": {1: Field("dataPoints", "NumberPoint", True)},
    "Histograms": {1: Field("dataPoints", "HistogramPoint", True)},
    "ExponentialHistograms": {1: Field("dataPoints", "ExponentialPoint", True)},
    "Summaries": {1: Field("dataPoints", "SummaryPoint", True)},
    "NumberPoint": _POINT
    | {
        4: Field("asDouble", "double"),
        6: Field("asInt", "sfixed64"),
        7: Field("attributes", "KeyValue", True),
        8: Field("flags", "uint32"),
    },
    "HistogramPoint": _POINT
    | {
        4: Field("count", "fixed64"),
        5: Field("sum", "double"),
        9: Field("attributes", "KeyValue", True),
        10: Field("flags", "uint32"),
        11: Field("min", "double"),
        12: Field("max", "double"),
    },
    "ExponentialPoint": _POINT
    | {
        1: Field("attributes", "KeyValue", True),
        4: Field("count", "fixed64"),
        5: Field("sum", "double"),
        10: Field("flags", "uint32"),
        12: Field("min", "double"),
        13: Field("max", "double"),
    },
    "SummaryPoint": _POINT
    | {
        4: Field("count", "fixed64"),
        5: Field("sum", "double"),
        6: Field("quantileValues", "Quantile", True),
        7: Field("attributes", "KeyValue", True),
        8: Field("flags", "uint32"),
    },
    "Quantile": {1: Field("quantile", "double"), 2: Field("value", "double")},
    "KeyValue": {1: Field("key", "string"), 2: Field("value", "AnyValue")},
    "AnyValue": {
        1: Field("stringValue", "string"),
        2: Field("boolValue", "bool"),
        3: Field("intValue", "int64"),
        4: Field("doubleValue", "double"),
        5: Field("arrayValue", "ArrayValue"),
        6: Field("kvlistValue", "KeyValueList"),
        7: Field("bytesValue", "bytes"),
    },
    "ArrayValue": {1: Field("values", "AnyValue", True)},
    "KeyValueList": {1: Field("values", "KeyValue", True)},
}
"""The messages of opentelemetry.proto.collector.metrics.v1, as far as samples come from them."""


class OtlpError(ValueError):
    """The request is none of OpenTelemetry's."""


def decode_request(body: bytes, *, is_json: bool) -> dict[str, Any]:
    """The request as its JSON form has it.

    Raises:
        OtlpError: it is not one.
    """
    try:
        request = msgspec.json.decode(body) if is_json else decode_message(body, "Request", SHAPES)
    except (msgspec.DecodeError, UnicodeDecodeError, ProtobufError) as error:
        raise OtlpError(f"The request cannot be read: {error}.") from error
    except RecursionError as error:
        raise OtlpError("The request is nested too deeply.") from error
    if not isinstance(request, dict):
        raise OtlpError("The request is no object.")
    return request


def read_run_names(request: dict[str, Any]) -> set[str]:
    """What the resources say about their run; '' for one that says nothing."""
    return {
        str(_read_attributes(_object(resource, "resource")).get(RUN_ATTRIBUTE, ""))
        for resource in _objects(request, "resourceMetrics")
    }


def read_points(request: dict[str, Any], runs: dict[str, int]) -> Chunk:
    """The samples of a request.

    Args:
        runs: the run of each name that `read_run_names` found.

    Raises:
        OtlpError: something is not of its type.
    """
    points: list[Point] = []
    errors: list[FieldError] = []
    index = 0
    try:
        for run, component, tags, metric in _walk(request, runs):
            for kind in ("gauge", "sum", "histogram", "exponentialHistogram", "summary"):
                for point in _objects(_object(metric, kind), "dataPoints"):
                    try:
                        points += _read_point(index, run, component, tags, metric, kind, point)
                    except (TypeError, ValueError, OverflowError) as error:
                        errors.append(FieldError(str(index), f"{str(metric.get('name'))[:100]}: {error}"))
                    index += 1
    except RecursionError as error:
        raise OtlpError("The request is nested too deeply.") from error
    return join_points(points, errors, index)


def encode_response(rejected: int, message: str, *, is_json: bool) -> bytes:
    """The answer to what was stored, with how many data points were not and why."""
    if is_json:
        partial = {"rejectedDataPoints": str(rejected), "errorMessage": message}
        return msgspec.json.encode({"partialSuccess": partial} if rejected else {})
    return encode_field(1, encode_field(1, rejected) + encode_field(2, message)) if rejected else b""


def encode_status(code: int, message: str, *, is_json: bool) -> bytes:
    """A `google.rpc.Status`, in which failures are told."""
    if is_json:
        return msgspec.json.encode({"code": code, "message": message})
    return encode_field(1, code) + encode_field(2, message)


def _walk(request: dict[str, Any], runs: dict[str, int]) -> Iterator[tuple[int, str, dict[str, Any], dict[str, Any]]]:
    """Run, component, tags and message of every metric."""
    for resource in _objects(request, "resourceMetrics"):
        attributes = _read_attributes(_object(resource, "resource"))
        run = runs[str(attributes.pop(RUN_ATTRIBUTE, ""))]
        for scope in _objects(resource, "scopeMetrics"):
            name = _object(scope, "scope").get("name") or "otlp"
            component = attributes.get(COMPONENT_ATTRIBUTE) or attributes.get("service.name") or name
            tags = {key: value for key, value in attributes.items() if key != COMPONENT_ATTRIBUTE}
            for metric in _objects(scope, "metrics"):
                yield run, str(component), tags, metric


def _read_point(
    index: int,
    run: int,
    component: str,
    tags: dict[str, Any],
    metric: dict[str, Any],
    kind: str,
    point: dict[str, Any],
) -> list[Point]:
    if int(point.get("flags", 0)) & _NO_VALUE:
        return []
    time_ns = int(point.get("timeUnixNano") or 0)
    if time_ns == 0:
        raise ValueError("the data point has no time")
    own = _read_attributes(point)
    component = str(own.pop(COMPONENT_ATTRIBUTE, component))
    name, unit = metric.get("name"), metric.get("unit")
    if not isinstance(name, str) or not isinstance(unit, str | None):
        raise TypeError("name and unit are texts")
    values = dict(_read_values(name, kind, point))
    for key, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{key} is no finite number")
    return [
        Point(index, run, describe_series(key, component, unit, tags | own), time_ns, value)
        for key, value in values.items()
    ]


def _read_values(name: str, kind: str, point: dict[str, Any]) -> Iterator[tuple[str, float]]:
    if kind in ("gauge", "sum"):
        if "asDouble" not in point and "asInt" not in point:
            raise ValueError("the data point has no value")
        yield name, _read_double(point["asDouble"]) if "asDouble" in point else float(int(point["asInt"]))
        return
    yield f"{name}.count", float(int(point.get("count", 0)))
    for part in ("sum", "min", "max"):
        if point.get(part) is not None:
            yield f"{name}.{part}", _read_double(point[part])
    for quantile in _objects(point, "quantileValues"):
        yield f"{name}.q{_read_double(quantile.get('quantile', 0)):g}", _read_double(quantile.get("value", 0))


def _read_double(value: Any) -> float:
    # JSON has no numbers for these: they come as "NaN" and "Infinity".
    return float(value)


def _read_attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {str(one.get("key", "")): _read_any(_object(one, "value")) for one in _objects(holder, "attributes")}


def _read_any(value: dict[str, Any]) -> Any:
    if "intValue" in value:
        return int(value["intValue"])
    if "arrayValue" in value:
        return [_read_any(one) for one in _objects(_object(value, "arrayValue"), "values")]
    if "kvlistValue" in value:
        pairs = _objects(_object(value, "kvlistValue"), "values")
        return {str(one.get("key", "")): _read_any(_object(one, "value")) for one in pairs}
    found = next(
        (value[kind] for kind in ("stringValue", "boolValue", "doubleValue", "bytesValue") if kind in value), None
    )
    return base64.b64encode(found).decode() if isinstance(found, bytes) else found


def _object(holder: dict[str, Any], name: str) -> dict[str, Any]:
    found = holder.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise OtlpError(f"{name}: an object is needed.")
    return found


def _objects(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = holder.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise OtlpError(f"{name}: a list of objects is needed.")
    return found

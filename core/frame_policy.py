"""Which fields of a run are kept as frames, and how: read from the `frame_policy` among the run's parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np

from core.choices import FrameEncoding
from core.exceptions import InvalidInput
from core.telemetry import FloatArray

PARAMETER = "frame_policy"
RAW = "raw"
"""Plain complex64, which SQL readers understand."""

Encoding = FrameEncoding
_NAMES = (RAW, *FrameEncoding.values)


class FramePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Scalars are kept of every field; this says of which the field itself is.

    Attributes:
        every_s: a frame at the first field of every so many seconds of the run; None keeps every frame.
        on_events: a frame at the first field at or after an event, too.
        encoding: raw, lossless, float16 or quantised.
        max_error: of quantised frames: how far the real and the imaginary part of a point may move.
    """

    every_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None
    on_events: bool = False
    encoding: str = FrameEncoding.LOSSLESS
    max_error: Annotated[float, msgspec.Meta(gt=0)] | None = None


def read_frame_policy(parameters: Mapping[str, Any]) -> FramePolicy:
    """The policy of a run with these parameters; every frame, lossless, where they hold none.

    Raises:
        InvalidInput: the policy makes no sense.
    """
    field = f"parameters.{PARAMETER}"
    try:
        policy = msgspec.convert(parameters.get(PARAMETER, {}), FramePolicy)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$")
        raise InvalidInput.of(field + path.rstrip("`"), detail) from error
    if policy.encoding not in _NAMES:
        raise InvalidInput.of(f"{field}.encoding", f"The encoding is none of {', '.join(_NAMES)}.")
    if (policy.max_error is None) == (policy.encoding == FrameEncoding.QUANTISED):
        raise InvalidInput.of(f"{field}.max_error", "It belongs to the encoding quantised, and to no other.")
    return policy


def choose_frames(
    policy: FramePolicy, times_s: FloatArray, *, start_s: float, kept_s: Sequence[float], events_s: Collection[float]
) -> list[bool]:
    """Of which fields the policy keeps the frame.

    Args:
        times_s: when the fields were observed, (n,), in any order; seconds since 1970, as all times here.
        start_s: where the first span of `every_s` begins.
        kept_s: when frames of about the same time were kept before.
        events_s: when events happened.
    """
    if policy.every_s is None:
        return [True] * len(times_s)
    kept = [False] * len(times_s)
    spans = {int((at - start_s) // policy.every_s) for at in kept_s}
    order = np.argsort(times_s, kind="stable")
    for index in order:
        span = int((times_s[index] - start_s) // policy.every_s)
        if span not in spans:
            spans.add(span)
            kept[index] = True
    for event in events_s if policy.on_events else ():
        after = [index for index in order if times_s[index] >= event]
        if after and not any(event <= at <= times_s[after[0]] for at in kept_s):
            kept[after[0]] = True
    return kept

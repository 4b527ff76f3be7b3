"""`fields/frames/`: the frames of a run as one array, streamed, or as a strip of pictures."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from core.api.filters import MAX_ID
from core.api.serializers import StrictSerializer
from core.drawing import draw_strip
from core.exceptions import NotFound
from core.frame_files import npy_head, write_npy, write_zarr
from core.selectors import list_frames, read_frames, sample_frames

NPY = "application/x-npy"
ZIP = "application/zip"
MOST_PICTURES = 32
LARGEST_PICTURE = 256
MOST_STRIDE = 1_000_000
QUERY = ("run", "from", "to", "stride", "as", "frames", "size")


class FrameRangeQuery(StrictSerializer):
    """Which frames, and as what."""

    run = serializers.IntegerField(min_value=1, max_value=MAX_ID, help_text="The run.")
    stride = serializers.IntegerField(
        default=1, min_value=1, max_value=MOST_STRIDE, help_text="Every so manieth frame, from the first."
    )
    frames = serializers.IntegerField(
        default=8, min_value=1, max_value=MOST_PICTURES, help_text="Of a strip: how many pictures, spread over time."
    )
    size = serializers.IntegerField(
        default=96, min_value=8, max_value=LARGEST_PICTURE, help_text="Of a strip: its height, pixels."
    )

    def get_fields(self) -> dict[str, Any]:
        """The fields, with those whose names Python keeps for itself."""
        at = serializers.DateTimeField
        return {
            **super().get_fields(),
            "from": at(default=None, help_text="Frames at or after this time; from the first where absent."),
            "to": at(default=None, help_text="Frames before this time; to the last where absent."),
            "as": serializers.ChoiceField(
                ["npy", "zarr", "png"],
                default="npy",
                help_text="npy: complex64, (frames, n, n). zarr: a zipped store with times and ids. png: a strip.",
            ),
        }


def answer_frames(request: Request) -> HttpResponseBase:
    """The frames a request asks for, in constant memory.

    Raises:
        ValidationError: names the parameter at fault.
        NotFound: the run has no frame in that time that the caller may see.
        InvalidInput: the frames make no array, or are too many.
    """
    query = FrameRangeQuery(data=dict(request.query_params.items()))
    query.is_valid(raise_exception=True)
    asked = query.validated_data
    span = {"run_id": asked["run"], "start": asked["from"], "end": asked["to"]}
    name = f"run-{asked['run']}"
    if asked["as"] == "png":
        keys = sample_frames(**span, count=asked["frames"])
        if not keys:
            raise NotFound("The run has no frame in that time that you may see.")
        disposition = {"Content-Disposition": f'inline; filename="{name}.png"'}
        return HttpResponse(draw_strip(keys, asked["size"]), content_type="image/png", headers=disposition)
    found = list_frames(**span, stride=asked["stride"])
    headers = {"X-Frame-Count": str(len(found.keys))}
    if asked["as"] == "npy":
        length = len(npy_head(len(found.keys), found.shape)) + len(found.keys) * found.frame_bytes
        content, kind, ending = write_npy(found.keys, found.shape, read_frames), NPY, "npy"
        headers["Content-Length"] = str(length)
    else:
        about = {"run": asked["run"], "stride": asked["stride"]}
        content, kind, ending = write_zarr(found.keys, found.shape, read_frames, about), ZIP, "zarr.zip"
    headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return StreamingHttpResponse(content, content_type=kind, headers=headers)

"""Reading drawn charts back."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def parse(svg: str) -> ElementTree.Element:
    """Parse a chart; no attribute may hold a number that is none."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - the project's own output
    attributes = " ".join(value for element in root.iter() for value in element.attrib.values())
    assert not re.search(r"\b(nan|inf)\b", attributes)
    return root


def find_all(root: ElementTree.Element, tag: str, class_: str = "") -> list[ElementTree.Element]:
    return [e for e in root.iter(SVG + tag) if not class_ or class_ in e.get("class", "").split()]


def numbers(element: ElementTree.Element, *names: str) -> list[float]:
    return [float(element.attrib[name]) for name in names]


def path_points(path: ElementTree.Element) -> list[list[tuple[float, float]]]:
    """The points of each line of a path."""
    lines = [[float(n) for n in NUMBER.findall(part)] for part in path.attrib["d"].split("M")[1:]]
    return [list(zip(line[::2], line[1::2], strict=False)) for line in lines]


def texts(root: ElementTree.Element, class_: str = "") -> list[str]:
    return [e.text or "" for e in find_all(root, "text", class_)]


def value_pixels(root: ElementTree.Element) -> Callable[[float], float]:
    """Recover the value axis from the grid lines and labels drawn, independently of the code's scale."""
    rows = [numbers(e, "y1")[0] for e in find_all(root, "line", "grid") if e.get("y1") == e.get("y2")]
    labels = [float((t.text or "").replace("−", "-")) for t in find_all(root, "text", "label")[: len(rows)]]
    slope = (rows[-1] - rows[0]) / (labels[-1] - labels[0])
    return lambda value: rows[0] + (value - labels[0]) * slope

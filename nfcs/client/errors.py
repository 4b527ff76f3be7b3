"""What can go wrong between a program and the API."""

from __future__ import annotations

from typing import Any


class ClientError(Exception):
    """The request did not succeed."""


class NotAnswered(ClientError):
    """The server did not answer within the patience of the client; the last cause is `__cause__`.

    A batch may have been stored: send it again under the same key to know.

    Attributes:
        key: the Idempotency-Key of the request, None where there was none.
    """

    def __init__(self, detail: str, key: str | None = None) -> None:
        self.key = key
        super().__init__(detail)


class Refused(ClientError):
    """The server refused the request; sending it again would not help.

    Attributes:
        status: status of the answer.
        code: what is wrong, for programs.
        errors: what is wrong with each field, each with `field`, `detail` and `code`.
    """

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.errors: list[dict[str, Any]] = list(problem.get("errors", []))
        first = f" ({self.errors[0]['field']}: {self.errors[0]['detail']})" if self.errors else ""
        super().__init__(f"{status} {problem.get('detail', '')}{first}")

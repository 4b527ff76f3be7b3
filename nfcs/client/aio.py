"""The client for programs with an event loop: what waits, waits in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from nfcs.client.batcher import Batcher, Row
from nfcs.client.client import BatchAnswer, Client
from nfcs.client.samples import Samples


class AsyncClient:
    """`Client`, every method of which is awaited."""

    def __init__(self, url: str, **options: Any) -> None:
        self._client = Client(url, **options)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._client.close)

    async def send_rows(self, kind: str, rows: Iterable[Mapping[str, Any]], **options: Any) -> BatchAnswer:
        """As `Client.send_rows`."""
        return await asyncio.to_thread(self._client.send_rows, kind, rows, **options)

    async def send_samples(self, **columns: Any) -> BatchAnswer:
        """As `Client.send_samples`."""
        return await asyncio.to_thread(lambda: self._client.send_samples(**columns))

    async def send_table(self, kind: str, table: Any, **options: Any) -> BatchAnswer:
        """As `Client.send_table`."""
        return await asyncio.to_thread(self._client.send_table, kind, table, **options)

    async def create_run(self, name: str, **fields: Any) -> dict[str, Any]:
        """As `Client.create_run`."""
        return await asyncio.to_thread(self._client.create_run, name, **fields)

    async def post(self, path: str, document: Mapping[str, Any], **options: Any) -> Any:
        """As `Client.post`."""
        return await asyncio.to_thread(self._client.post, path, document, **options)

    async def get(self, path: str, **query: Any) -> Any:
        """As `Client.get`."""
        return await asyncio.to_thread(self._client.get, path, **query)

    async def read_pages(self, path: str, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """As `Client.read_pages`."""
        rows = self._client.read_pages(path, **query)
        end = object()
        while (row := await asyncio.to_thread(next, rows, end)) is not end:
            yield row  # type: ignore[misc]

    async def read_samples(self, **query: Any) -> Samples:
        """As `Client.read_samples`."""
        return await asyncio.to_thread(lambda: self._client.read_samples(**query))

    def collect(self, kind: str, **options: Any) -> AsyncBatcher:
        """As `Client.collect`."""
        return AsyncBatcher(self._client.collect(kind, **options))


class AsyncBatcher:
    """`Batcher` in an `async with` block."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher

    @property
    def stored(self) -> int:
        """Rows stored so far."""
        return self._batcher.stored

    async def __aenter__(self) -> AsyncBatcher:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def add(self, row: Row) -> None:
        """As `Batcher.add`."""
        await asyncio.to_thread(self._batcher.add, row)

    async def flush(self) -> None:
        """As `Batcher.flush`."""
        await asyncio.to_thread(self._batcher.flush)

    async def close(self) -> None:
        """As `Batcher.close`."""
        await asyncio.to_thread(self._batcher.close)

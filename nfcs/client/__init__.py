"""A client of the API for Python programs: batches in, series out.

Imports nothing of the project and nothing of Django: numpy, the standard library, and where they are installed pandas
and pyarrow (extras `pandas` and `arrow`).
"""

from nfcs.client.aio import AsyncBatcher, AsyncClient
from nfcs.client.batcher import Batcher
from nfcs.client.client import BatchAnswer, Client
from nfcs.client.errors import ClientError, NotAnswered, Refused
from nfcs.client.samples import Samples
from nfcs.client.transport import Credentials

__all__ = [
    "AsyncBatcher",
    "AsyncClient",
    "BatchAnswer",
    "Batcher",
    "Client",
    "ClientError",
    "Credentials",
    "NotAnswered",
    "Refused",
    "Samples",
]

"""Every collection that can be exported, by name."""

from cognitive.exports import SNAPSHOTS
from constitutional.exports import VIOLATIONS
from core.export.columns import Collection
from core.exports import FIELDS, NEURON_HISTORY
from kuramoto.exports import EVENTS, OSCILLATORS
from validation.exports import METRICS

COLLECTIONS: dict[str, Collection] = {
    collection.name: collection
    for collection in (OSCILLATORS, EVENTS, FIELDS, NEURON_HISTORY, METRICS, VIOLATIONS, SNAPSHOTS)
}

"""Enumerated values of the core app."""

from django.db import models


class RunKind(models.TextChoices):
    """Where a run's telemetry comes from."""

    SIMULATION = "simulation"
    LIVE = "live"
    IMPORT = "import"


class CouplingNorm(models.TextChoices):
    """What the coupling K is divided by."""

    PER_N = "per_n", "K / N"
    PER_DEGREE = "per_degree", "K / in-degree"
    RAW = "raw", "K as it stands"


class ConfigType(models.TextChoices):
    """JSON types of a configuration value."""

    INTEGER = "integer"
    FLOAT = "float"
    STRING = "string"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"


class NetworkStatus(models.TextChoices):
    """Life of a coupling graph; merged and collapsed are terminal."""

    ACTIVE = "active"
    DORMANT = "dormant"
    COLLAPSED = "collapsed"
    MERGED = "merged"


class NeuronType(models.TextChoices):
    """What a neuron does in its network."""

    INPUT = "input"
    HIDDEN = "hidden"
    OUTPUT = "output"
    MEMORY = "memory"
    ATTENTION = "attention"
    RECURRENT = "recurrent"


class NeuronState(models.TextChoices):
    """What a two-level system's numbers amount to; the first that holds, in this order."""

    COLLAPSED = "collapsed"
    TUNNELING = "tunneling"
    ENTANGLED = "entangled"
    SUPERPOSITION = "superposition"
    COHERENT = "coherent"
    DECOHERENT = "decoherent"


class NeuronEventKind(models.TextChoices):
    """What happens to a two-level system."""

    PREPARE = "prepare"
    GATE = "gate"
    GATE2 = "gate2", "Gate of two"
    MEASURE = "measure"
    RELAX = "relax"
    SWEEP_START = "sweep_start"
    SWEEP_END = "sweep_end"
    DISENTANGLE = "disentangle"
    CALIBRATE = "calibrate"


class FrameEncoding(models.TextChoices):
    """How a stored field is packed; plain complex64 has no name here."""

    LOSSLESS = "lossless"
    FLOAT16 = "float16"
    QUANTISED = "quantised"

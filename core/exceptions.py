"""Errors of the domain. The docstring of a class is its message where none is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with one field.

    Attributes:
        field: dotted path of the field; in a batch with the index of the row in front, such as `3.phases`.
        detail: what is wrong, for people.
        code: what is wrong, for programs.
    """

    field: str
    detail: str
    code: str = "invalid"


class DomainError(Exception):
    """The request cannot be carried out."""

    code = "refused"

    def __init__(self, detail: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.errors = list(errors)
        super().__init__(self.detail)


class InvalidInput(DomainError):
    """The request holds values that are not allowed."""

    code = "invalid"

    @classmethod
    def of(cls, field: str, detail: str, code: str = "invalid") -> InvalidInput:
        """The error of a single field."""
        return cls(errors=[FieldError(field, detail, code)])


class NotFound(DomainError):
    """There is no such thing."""

    code = "not_found"


class Conflict(DomainError):
    """The thing is in a state that does not allow this."""

    code = "conflict"


class ConstraintViolation(InvalidInput):
    """The database refused the row."""


CONSTRAINT_FIELDS: dict[str, tuple[str, str]] = {}
"""By constraint name: the field to blame and what to say; every app adds its own."""


def register_constraints(constraints: Mapping[str, tuple[str, str]]) -> None:
    """Say in words what a constraint asks for, so that its violation arrives as an error of a field."""
    CONSTRAINT_FIELDS.update(constraints)


register_constraints(
    {
        "runs_definition_fixed": (
            "run",
            "What defines a run (kind, seed, start, oscillators, weights) is fixed.",
        ),
        "runs_kind_ck": ("kind", "The kind is none of simulation, live, import."),
        "runs_coupling_norm_ck": ("coupling_norm", "The norm is none of per_n, per_degree, raw."),
        "runs_times_ck": ("ended_at", "A run does not end before it starts."),
        "runs_frequencies_n_ck": ("natural_frequencies", "One natural frequency per oscillator is needed."),
        "runs_frequencies_ck": ("natural_frequencies", "Natural frequencies are finite numbers."),
        "runs_ha_weights_ck": ("ha_weights", "Three weights from 0 to 1 that sum to 1 are needed."),
        "runs_parameters_ck": ("parameters", "An object is needed."),
        "runs_critical_coupling_ck": ("critical_coupling", "A finite number of at least 0 is needed."),
        "runs_n_oscillators_ck": ("n_oscillators", "Between 1 and 65536 oscillators are possible."),
        "runs_defect_density_ref_ck": ("defect_density_ref", "A finite number above 0 is needed."),
        "system_config_value_ck": ("config_value", "The value is not of the type that config_type names."),
        "system_config_known_ck": (
            "config_value",
            "What reads this key cannot use the value: it has another type, range or order.",
        ),
        "system_config_type_ck": ("config_type", "The type is none of integer, float, string, boolean, array, object."),
        "system_config_key_env_uq": ("config_key", "The key has a value in this environment already."),
        "reality_networks_name_key": ("name", "There is a network of this name."),
        "reality_networks_n_nodes_ck": ("n_nodes", "A network has a vertex or more."),
        "reality_networks_n_layers_ck": ("n_layers", "A network has a layer or more."),
        "reality_networks_status_ck": ("status", "The status is none of active, dormant, collapsed, merged."),
        "reality_networks_status_terminal": ("status", "A merged or collapsed network stays so."),
        "reality_networks_target_ck": ("target", "A merged network names its target, any other names none."),
        "reality_edges_inside": ("src", "Both ends of an edge are vertices of its own network."),
        "reality_edges_no_loop_ck": ("dst", "A vertex is not coupled to itself."),
        "reality_edges_ends_uq": ("dst", "The edge is there already."),
        "reality_edges_weight_ck": ("weight", "A finite number of at least 0 is needed."),
        "reality_edges_delay_ck": ("delay_s", "A finite number of at least 0 is needed."),
        "reality_edges_lag_ck": ("lag_rad", "A lag lies between -pi and pi."),
        "reality_nodes_index_ck": ("node_index", "Layer and index count from 0."),
        "reality_nodes_finite_ck": ("x", "Position and natural frequency are finite numbers."),
        "reality_nodes_place_uq": ("node_index", "The place in the layer is taken."),
        "nfcs_fields_field_data_ck": ("field_data", "An object is needed."),
        "nfcs_fields_ndim_ck": ("ndim", "A field has 1 or 2 dimensions."),
        "nfcs_fields_resolution_ck": ("resolution", "Between 2 and 4096 points per side are possible."),
        "nfcs_fields_frame_size_ck": ("frame", "A frame has 8 bytes for each point of the grid."),
        "nfcs_fields_frame_sha256_ck": ("frame_sha256", "A frame comes with its own SHA-256, and only a frame does."),
        "nfcs_fields_coherence_ck": ("coherence_level", "A number from 0 to 1 is needed."),
        "nfcs_fields_energy_ck": ("energy_state", "A finite number of at least 0 is needed."),
        "nfcs_fields_mean_abs_ck": ("mean_abs", "A finite number of at least 0 is needed."),
        "nfcs_fields_gradient_ck": ("gradient_energy", "A finite number of at least 0 is needed."),
        "nfcs_fields_quartic_ck": ("quartic_energy", "A finite number of at least 0 is needed."),
        "nfcs_fields_defects_ck": ("defect_count", "Finite numbers of at least 0 are needed."),
        "nfcs_fields_ha_ck": ("ha", "A number from 0 to 10 is needed."),
        "nfcs_fields_ha_parts_ck": ("ha", "Ha has a version and a component from 0 to 1, or none of them is there."),
    }
)

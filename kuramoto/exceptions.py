"""What the constraints of the kuramoto tables say to people."""

from core.exceptions import register_constraints

register_constraints(
    {
        "kuramoto_oscillators_n_ck": ("phases", "A row has as many phases as its run has oscillators."),
        "kuramoto_oscillators_phases_ck": ("phases", "Phases are finite and lie in (-pi, pi]."),
        "kuramoto_oscillators_embedding_ck": ("semantic_embedding", "The zero vector has no direction."),
        "kuramoto_oscillators_coupling_ck": ("coupling_strength", "A finite number is needed."),
        "kuramoto_oscillators_sync_ck": ("sync_parameter", "A number from 0 to 1 is needed."),
        "kuramoto_oscillators_mean_phase_ck": ("mean_phase", "A phase lies between -pi and pi."),
        "kuramoto_oscillators_horizons_ck": ("prediction_horizons", "An object is needed."),
        "kuramoto_oscillators_ha_ck": ("ha", "A number from 0 to 10 is needed."),
        "kuramoto_oscillators_ha_parts_ck": (
            "ha",
            "Ha has a version and a component from 0 to 1, or none of them is there.",
        ),
        "synchronization_events_alternate": ("event_type", "This event cannot follow the last one of the run."),
        "synchronization_events_reason_ck": ("reason", "An emergency stop and a recovery need a reason."),
        "synchronization_events_actor_ck": ("actor", "What is done by hand names who did it."),
        "synchronization_events_type_ck": (
            "event_type",
            "sync_achieved, desync_detected, emergency_stop or recovery is needed.",
        ),
        "synchronization_events_cause_ck": (
            "cause",
            "The order parameter causes synchronization and its loss, and nothing else does.",
        ),
        "synchronization_events_levels_ck": ("sync_level_after", "Numbers from 0 to 1 are needed."),
        "synchronization_events_thresholds_ck": (
            "threshold_on",
            "Synchronization and its loss have thresholds, a dwell, a crossing and a level.",
        ),
        "synchronization_events_agrees_ck": (
            "sync_level_after",
            "The level after the event is on the other side of its threshold.",
        ),
        "synchronization_events_times_ck": ("occurred_at", "An event does not occur before its crossing."),
        "synchronization_events_data_ck": ("event_data", "An object is needed."),
    }
)

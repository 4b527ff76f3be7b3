"""What the constraints of the kuramoto tables say to people."""

from core.exceptions import register_constraints

register_constraints(
    {
        "kuramoto_oscillators_n_ck": ("phases", "A row has as many phases as its run has oscillators."),
        "kuramoto_oscillators_phases_ck": ("phases", "Phases are finite and lie in (-pi, pi]."),
        "kuramoto_oscillators_embedding_ck": ("semantic_embedding", "The zero vector has no direction."),
        "kuramoto_oscillators_coupling_ck": ("coupling_strength", "A finite number is needed."),
        "synchronization_events_alternate": ("event_type", "This event cannot follow the last one of the run."),
        "synchronization_events_reason_ck": ("reason", "An emergency stop and a recovery need a reason."),
        "synchronization_events_actor_ck": ("actor", "What is done by hand names who did it."),
    }
)

"""What the constraints of the cognitive app ask for, in words."""

from core.exceptions import register_constraints

register_constraints(
    {
        "cognitive_sessions_module_ck": (
            "module_type",
            "The module is none of constitution, symbolic_ai, memory, reflection, freedom.",
        ),
        "cognitive_sessions_open_uq": ("worker", "The module has an open session in this worker."),
        "cognitive_sessions_times_ck": ("ended_at", "A session ends after it starts."),
        "cognitive_sessions_ended": ("ended_at", "The session has ended and stays as it is."),
        "cognitive_sessions_identity_fixed": ("session", "Module, worker, run and start of a session do not change."),
        "cognitive_sessions_data_ck": ("session_data", "An object is needed."),
        "cognitive_sessions_metrics_ck": (
            "performance_metrics",
            "An object is needed; calls and errors are counts with errors <= calls, p50_ms <= p95_ms are times of at "
            "least 0, phase_source is a text.",
        ),
        "memory_experiences_type_ck": (
            "experience_type",
            "The type is none of working, episodic, semantic, procedural.",
        ),
        "memory_experiences_arousal_ck": ("arousal", "A number from 0 to 1 is needed."),
        "memory_experiences_valence_ck": ("valence", "A number from -1 to 1 is needed."),
        "memory_experiences_difficulty_ck": ("difficulty", "A number from 1 to 10 is needed."),
        "memory_experiences_stability_ck": ("stability_s", "A time from 1 s to 36500 days is needed."),
        "memory_experiences_context_ck": ("context_data", "An object is needed."),
        "memory_experiences_embedding_ck": ("embedding", "The zero vector has no direction."),
        "memory_experiences_recalls_derived": ("retrieval_count", "Recalls are counted, not written."),
        "memory_retrievals_latency_ck": ("latency_ms", "A finite number of at least 0 is needed."),
        "memory_experiences_count_ck": (
            "last_accessed",
            "A memory that was recalled, and no other, has a time of its last recall.",
        ),
        "memory_strengths_strength_ck": ("strength", "A number from 0 to 1 is needed."),
        "memory_strengths_consolidation_ck": ("consolidation_level", "A number from 0 to 1 is needed."),
        "consciousness_records_running_uq": ("run", "An analysis of this run is open already."),
        "consciousness_records_status_ck": ("status", "running, finished or failed is needed."),
        "consciousness_records_window_ck": ("step_s", "A step above 0 that is not longer than the window is needed."),
        "consciousness_records_finished_ck": ("finished_at", "An analysis that is over, and no other, has an end."),
        "consciousness_records_message_ck": ("message", "A failed analysis, and no other, says why."),
        "consciousness_records_versions_ck": ("method_versions", "An object is needed."),
        "consciousness_records_communities_ck": ("communities", "A label for each oscillator is needed."),
        "consciousness_records_channels_ck": ("channels", "Oscillators are counted from 0."),
        "consciousness_snapshots_r_ck": ("r_mean", "Mean and spread of r lie between 0 and 1."),
        "consciousness_snapshots_metastability_ck": ("metastability_shanahan", "A finite number of at least 0."),
        "consciousness_snapshots_chimera_ck": ("chimera", "A finite number of at least 0 is needed."),
        "consciousness_snapshots_lzc_ck": ("lzc_norm", "A finite number of at least 0 is needed."),
        "consciousness_snapshots_correlation_ck": ("total_correlation", "A finite number of at least 0 is needed."),
        "consciousness_snapshots_n_ck": ("n_samples", "A window holds at least two rows."),
        "memory_retrievals_before_ck": ("retrievability_before", "A number from 0 to 1 is needed."),
    }
)

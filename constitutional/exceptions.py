"""Errors of the constitutional app, and what its constraints say to people."""

from core.exceptions import Conflict, register_constraints


class PolicyInUse(Conflict):
    """Violations cite the policy; switch it off instead of deleting it."""


class PolicyIsFundamental(Conflict):
    """A fundamental policy is neither switched off nor deleted."""


class ReviewOrder(Conflict):
    """A violation is acknowledged once, then resolved or called a false positive once."""


register_constraints(
    {
        "constitutional_policies_name_uq": ("policy_name", "There is a policy of this name."),
        "constitutional_policies_name_ck": ("policy_name", "A name is needed."),
        "constitutional_policies_type_ck": ("policy_type", "fundamental, operational, safety or ethical is needed."),
        "constitutional_policies_content_ck": ("policy_content", "An object whose schema is 1 is needed."),
        "chk_priority_level": ("priority_level", "A number from 1 to 10 is needed."),
        "constitutional_policies_fundamental_priority_ck": (
            "priority_level",
            "A fundamental policy has priority 10.",
        ),
        "constitutional_policies_fundamental_active_ck": (
            "is_active",
            "A fundamental policy cannot be switched off.",
        ),
        "constitutional_policies_fundamental_kept": (
            "policy_type",
            "A fundamental policy stays fundamental and is not deleted.",
        ),
        "constitutional_policies_cited": ("policy", "Violations cite the policy; it cannot be deleted."),
        "constitutional_policy_versions_append_only": ("version", "Versions of a policy do not change."),
        "constitutional_policy_versions_copy": ("version", "A version is a copy of its policy as it stands."),
        "constitutional_policy_versions_times_ck": ("valid_to", "A version does not end before it begins."),
        "constitutional_violations_severity_ck": ("severity_score", "A number from 0 to 1 is needed."),
        "constitutional_violations_ha_ck": ("ha_value", "A number from 0 to 10 is needed."),
        "constitutional_violations_peak_ck": ("peak_value", "A finite number is needed."),
        "constitutional_violations_samples_ck": ("sample_count", "A number of at least 1 is needed."),
        "constitutional_violations_status_ck": (
            "resolution_status",
            "pending, acknowledged, resolved or false_positive is needed.",
        ),
        "constitutional_violations_data_ck": ("violation_data", "An object is needed."),
        "constitutional_violations_detected_at_ck": (
            "detected_at",
            "A violation is not detected before its bound was crossed.",
        ),
        "constitutional_violations_cleared_ck": (
            "cleared_at",
            "An episode ends for a reason, not before it was detected.",
        ),
        "constitutional_violations_acknowledged_ck": (
            "acknowledged_at",
            "Any but a pending violation was acknowledged, not before it was detected.",
        ),
        "constitutional_violations_resolved_ck": (
            "resolved_at",
            "A violation whose review ended, and no other, has resolved_at, not before it was acknowledged.",
        ),
        "constitutional_violations_version": ("policy_version", "The version is one of another policy."),
        "constitutional_violations_evidence": ("violation_data", "The evidence of a violation does not change."),
        "constitutional_violations_episode_ended": ("cleared_at", "An episode that ended does not change."),
        "constitutional_violations_severity_rises": ("severity_score", "The severity of an episode only rises."),
        "constitutional_violations_append_only": ("violation", "Violations are not deleted."),
        "constitutional_violations_workflow": (
            "resolution_status",
            "The steps are pending, acknowledged, then resolved or false_positive.",
        ),
        "constitutional_violations_review_fixed": (
            "resolution_status",
            "Who reviewed a violation, and when, does not change.",
        ),
        "violation_notes_content_ck": ("text", "A note needs text."),
        "violation_notes_action_ck": ("action", "note, acknowledge, resolve or false_positive is needed."),
        "violation_notes_append_only": ("note", "Notes do not change."),
        "violation_notes_step": ("action", "Steps of a review are noted where they were taken."),
        "violation_notes_step_uq": ("action", "The step is noted already."),
        "policy_monitor_states_state_ck": ("state", "An object is needed."),
        "run_guard_states_state_ck": ("state", "An object is needed."),
        "run_guard_states_level_ck": ("level", "There is no such level."),
        "run_guard_states_cause_ck": ("cause", "There is no such cause."),
        "run_guard_states_operator_ck": ("reason", "An operator's level, and no other, has operator and reason."),
    }
)

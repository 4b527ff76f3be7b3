-- name: is_batch_monitored
-- Whether a policy in force is about one of the metrics or cannot be read, or an episode of the run goes on under a
-- policy that is no more in force; quicker to ask than to load and lock.
SELECT EXISTS (
    SELECT FROM constitutional_policy_versions version
    WHERE version.valid_to IS NULL AND version.is_active AND version.policy_id IS NOT NULL
      AND coalesce(version.policy_content ->> 'metric' = ANY(%(metrics)s::text[]), true)
) OR EXISTS (
    SELECT FROM policy_monitor_states state
    WHERE state.run_id = %(run_id)s AND state.violation_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM constitutional_policy_versions version
          WHERE version.policy_id = state.policy_id AND version.valid_to IS NULL AND version.is_active))

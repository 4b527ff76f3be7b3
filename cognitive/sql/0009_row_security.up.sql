SELECT nfcs_core.protect_run_rows_v1('cognitive.cognitive_sessions', true);
SELECT nfcs_core.protect_run_rows_v1('cognitive.consciousness_records');
SELECT nfcs_core.protect_run_rows_v1('cognitive.consciousness_snapshots');

-- Memories are the system's own: whoever is signed in reads them, programs store and recall them, and a recall changes
-- its memory through a trigger.
SELECT nfcs_core.protect_rows_v1(
    'cognitive.memory_experiences',
    '(SELECT user_mgmt.is_signed_in_v1())',
    '(SELECT user_mgmt.may_write_v1())',
    '(SELECT user_mgmt.may_write_v1())',
    '(SELECT user_mgmt.sees_everything_v1())');
SELECT nfcs_core.protect_rows_v1(
    'cognitive.memory_retrievals',
    '(SELECT user_mgmt.is_signed_in_v1())',
    '(SELECT user_mgmt.may_write_v1())',
    '(SELECT user_mgmt.sees_everything_v1())',
    '(SELECT user_mgmt.sees_everything_v1())');
SELECT nfcs_core.protect_rows_v1(
    'cognitive.memory_strengths',
    '(SELECT user_mgmt.is_signed_in_v1())',
    '(SELECT user_mgmt.may_write_v1())',
    '(SELECT user_mgmt.may_write_v1())',
    '(SELECT user_mgmt.may_write_v1())');

-- A materialized view knows no row security: nobody reads it but through this view, which runs with its owner's rights.
CREATE VIEW cognitive.consciousness_daily_view WITH (security_barrier = true) AS
SELECT * FROM cognitive.consciousness_daily_summary
WHERE (SELECT user_mgmt.sees_everything_v1()) OR run_id IN (SELECT user_mgmt.visible_runs_v1());
COMMENT ON VIEW cognitive.consciousness_daily_view IS
    'The rows of consciousness_daily_summary whose run who acts may see.';
COMMENT ON COLUMN cognitive.consciousness_daily_view.run_id IS 'The run.';
REVOKE ALL ON cognitive.consciousness_daily_summary FROM nfcs_app;

-- What each user did, for administrators. It stands here because the violations do.
CREATE VIEW constitutional.user_activity_view WITH (security_invoker = true) AS
SELECT u.id,
       u.username,
       u.role,
       u.is_active,
       u.last_login,
       (SELECT count(*) FROM nfcs_core.runs r WHERE r.owner_id = u.id) AS runs_owned,
       (SELECT count(*) FROM user_mgmt.api_keys k WHERE k.owner_id = u.id AND k.revoked_at IS NULL) AS live_keys,
       n.acknowledged,
       n.resolved,
       n.notes,
       greatest(u.last_login, n.last_note_at) AS last_active_at
FROM user_mgmt.users u
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE v.action = 'acknowledge') AS acknowledged,
           count(*) FILTER (WHERE v.action IN ('resolve', 'false_positive')) AS resolved,
           count(*) FILTER (WHERE v.action = 'note') AS notes,
           max(v.created_at) AS last_note_at
    FROM constitutional.violation_notes v
    WHERE v.author_id = u.id
) n;
COMMENT ON VIEW constitutional.user_activity_view IS
    'Sign-ins, runs, keys and reviews of every user.';

"""What row security is to be like in every database, and where one is otherwise."""

from __future__ import annotations

import re
from typing import Any

from core.db.prepare import APP_ROLE, SCHEMAS

WITHOUT_POLICIES = {
    "nfcs_core.audit_checkpoints": "signed heads of the audit's lanes, meant to be handed out",
    "nfcs_core.audit_lanes": "heads of the audit's lanes: digests",
    "nfcs_core.audit_links": "the audit's chain: digests of entries, without what they say",
    "nfcs_core.quantum_state_transitions": "reference data: the steps a neuron may take",
    "nfcs_core.schema_migrations": "which migrations were applied",
    "nfcs_core.summary_refreshes": "how old the summaries are",
    "public.auth_group": "names of groups, which sharing offers to everybody",
    "public.auth_group_permissions": "what each role may do",
    "public.auth_permission": "what can be permitted at all",
    "public.django_admin_log": "Django's list of a person's own changes in the admin, shown to that person alone",
    "public.django_content_type": "names of models",
    "public.django_migrations": "which migrations were applied",
    "public.django_session": "found by a random key, before anybody is known",
    "public.procrastinate_events": "the queue of jobs: ids and times, read by the worker",
    "public.procrastinate_jobs": "the queue of jobs: ids and times, read by the worker",
    "public.procrastinate_periodic_defers": "the queue of jobs: ids and times, read by the worker",
    "public.procrastinate_workers": "the queue of jobs: ids and times, read by the worker",
}
"""Tables that everybody with a right on them reads whole, each with the reason."""

OWNER_POLICY = "rows_of_owner"
POLICIES = {"rows_read": "r", "rows_inserted": "a", "rows_updated": "w", "rows_deleted": "d", OWNER_POLICY: "*"}

ASKS_WHO = re.compile(
    r"\b(?:actor|administers|inspects|is_signed_in|may_write|sees_everything|(?:shared|visible|writable)_runs)_v\d+\(\)"
)
"""A predicate depends on who acts."""

_LIST_TABLES = """
    SELECT n.nspname || '.' || c.relname AS name, c.relkind::text AS kind, c.relrowsecurity AS bound,
           c.relforcerowsecurity AS forced, c.relispartition AS is_leaf,
           coalesce(array_to_string(c.reloptions, ','), '') AS options,
           CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) ELSE '' END AS definition,
           EXISTS (
               SELECT FROM aclexplode(c.relacl) a
               WHERE a.grantee <> c.relowner AND (a.grantee = 0 OR a.grantee = to_regrole(%(app)s))) AS is_granted
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1
"""
_LIST_POLICIES = """
    SELECT n.nspname || '.' || c.relname, p.polname::text, p.polcmd::text, p.polpermissive,
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
           p.polroles = ARRAY[c.relowner] AS is_owners
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s)
"""


def list_row_security_problems(cursor: Any) -> list[str]:
    """One line for each table, partition or view that lets rows past their policies, or has none and is not listed."""
    cursor.execute(_LIST_TABLES, {"schemas": ["public", *SCHEMAS], "app": APP_ROLE})
    tables = cursor.fetchall()
    cursor.execute(_LIST_POLICIES, {"schemas": ["public", *SCHEMAS]})
    policies: dict[str, dict[str, tuple[str, bool, str | None, str | None, bool]]] = {}
    for table, name, *rest in cursor.fetchall():
        policies.setdefault(table, {})[name] = tuple(rest)
    problems = []
    for name, kind, bound, forced, is_leaf, options, definition, is_granted in tables:
        found = policies.get(name, {})
        if kind == "m":
            problems += [f"{name}: a materialized view has no row security, and is granted"] if is_granted else []
        elif kind == "v":
            barrier = "security_barrier=true" in options and ASKS_WHO.search(definition)
            if "security_invoker=true" not in options and not barrier:
                problems.append(f"{name}: the view reads with its owner's rights")
        elif is_leaf:
            problems += _check_leaf(name, bound, bool(found), is_granted)
        elif name in WITHOUT_POLICIES:
            problems += [f"{name}: has policies and is listed as having none"] if bound or found else []
        elif not bound or not forced:
            problems.append(f"{name}: row security is {'not forced' if bound else 'off'}")
        else:
            problems += _check_policies(name, found)
    known = {name for name, *_ in tables}
    return problems + [f"{name}: listed, and not there" for name in WITHOUT_POLICIES if name not in known]


def _check_leaf(name: str, bound: bool, has_policies: bool, is_granted: bool) -> list[str]:
    wrongs = {
        "row security is off": not bound,
        "a partition has policies of its own": has_policies,
        "a partition is granted": is_granted,
    }
    return [f"{name}: {words}" for words, is_so in wrongs.items() if is_so]


def _check_policies(name: str, found: dict[str, tuple[str, bool, str | None, str | None, bool]]) -> list[str]:
    problems = [f"{name}: policy {policy} is missing" for policy in POLICIES if policy not in found]
    for policy, (command, is_permissive, using, check, is_owners) in sorted(found.items()):
        if policy not in POLICIES:
            problems.append(f"{name}: policy {policy} is unknown")
            continue
        if command != POLICIES[policy] or not is_permissive:
            problems.append(f"{name}: policy {policy} is for another command")
        if is_owners != (policy == OWNER_POLICY):
            problems.append(f"{name}: policy {policy} is for other roles")
        for predicate in (using, check) if policy != OWNER_POLICY else ():
            if predicate is not None and predicate != "false" and not ASKS_WHO.search(predicate):
                problems.append(f"{name}: policy {policy} asks nobody: {predicate}")
    return problems

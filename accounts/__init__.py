"""Who uses the system.

Tables: users, user_sessions, api_keys, partner_configs. Roles are Django groups; the seed's `role` column leads and the
groups follow it.
"""

"""Who uses the system.

Tables: users, user_sessions. Roles are Django groups; the seed's `role` column leads and the groups follow it.
"""

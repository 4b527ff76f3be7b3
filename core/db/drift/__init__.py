"""Drift: where models, migration files and a database no longer say the same.

* `migrations`: models that no migration covers; migrations that are not applied, unknown, or edited since.
* `models`: tables that are not what their models say.
* `manifest`: a database that is not what the migrations make.
"""

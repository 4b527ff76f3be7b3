"""WSGI entry point, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from core.db.role_guard import require_bound_role

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nfcs.settings")

application = get_wsgi_application()
require_bound_role()

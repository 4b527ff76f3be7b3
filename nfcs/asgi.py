"""ASGI entry point, for streams."""

import os

from django.core.asgi import get_asgi_application

from core.db.role_guard import require_bound_role

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nfcs.settings")

application = get_asgi_application()
require_bound_role()

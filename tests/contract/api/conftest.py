"""The application on a real database, as the other tests of the API have it."""

from __future__ import annotations

from tests.integration.api.conftest import client as client
from tests.integration.api.conftest import database as database
from tests.integration.api.conftest import services as services
from tests.integration.api.conftest import writing as writing

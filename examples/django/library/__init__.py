"""The project. Django imports this before the settings, and so before the database backend."""

import mongodriver

mongodriver.install_as_pymongo()

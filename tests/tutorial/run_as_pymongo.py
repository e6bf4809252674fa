"""Run a script with this driver under PyMongo's names: ``run_as_pymongo.py SCRIPT ARGUMENTS``."""

import runpy
import sys

import mongodriver

mongodriver.install_as_pymongo()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")

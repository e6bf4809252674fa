"""The extension module: argument handling over the C of csrc/."""

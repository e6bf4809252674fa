"""The codec in pure Python: the readable specification of the native extension.

Same values, bytes, exceptions and messages; used where the extension is not there.
"""

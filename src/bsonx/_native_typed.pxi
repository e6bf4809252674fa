# Typed documents (csrc/typed).

cdef extern from "typed/plan.h":
    object bx_options_for_type(bx_state *st, object type, object codec_options)


def decode_as(type, data, codec_options):
    """Return the one document that ``data`` is as an instance of ``type``."""
    return bx_decode(_state, data, bx_options_for_type(_state, type, codec_options))


def options_for_type(type, codec_options):
    """Return the CodecOptions that decode to ``type``, otherwise like ``codec_options``."""
    return bx_options_for_type(_state, type, codec_options)

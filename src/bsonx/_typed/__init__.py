"""Typed documents: from classes and annotations to plans, which both codecs carry out."""

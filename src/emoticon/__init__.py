"""Emoticon: a self-hosted service that gives every account of a product its own emoticon."""

__version__ = "0.1.0"

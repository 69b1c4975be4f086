"""The data path: takes clients' requests to nodes and brings the responses back.

Outside of this folder only :mod:`lb.proxy.data_path` is known (and, to ``lb.server``, which implementation to make),
so that another way of moving bytes can take its place.
"""

"""The pipeline in a process of its own: protocol, server, client and the session that drives them.

TensorFlow cannot be unloaded and may end the process it runs in, and Slicer must go on. `server.py` is that process,
`client.py` its other end, which notices whatever becomes of it; between them go short lines (`protocol.py`) and folders of
arrays (`exchange.py`). `session.py` runs one job after another and calls back; nothing here knows Slicer.
"""

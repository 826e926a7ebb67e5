"""`python -m IVDSegmentationLib.cli`: the same as `ivdseg`."""

if __name__ == "__main__":
    import os
    import signal

    # Before anything else is imported: until then Python answers the keyboard with a traceback.
    signal.signal(signal.SIGINT, lambda number, frame: (os.write(2, b"ivdseg: stopped\n"), os._exit(130)))

    from .boundary import catch_signals

    catch_signals()

    from .commands import entry

    entry()

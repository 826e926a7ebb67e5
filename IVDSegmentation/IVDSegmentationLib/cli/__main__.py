"""`python -m IVDSegmentationLib.cli`: the same as `ivdseg`."""

if __name__ == "__main__":
    from .start import main

    main()

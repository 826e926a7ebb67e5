"""The released model, or networks that have not seen the person, on real volumes and on what examinations make of them.

`variants.py` makes forms of one volume: other voxel sizes, cut fields of view, noise, headers that lie. `real.py` segments each
and compares with what its source knows. This is `ivdseg check --real`.
"""

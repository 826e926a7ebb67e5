"""The released model, or networks that have not seen the person, on real volumes and on what examinations make of them."""

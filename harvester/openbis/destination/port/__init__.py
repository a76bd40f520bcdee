"""What the steps need of a destination: a narrow port for each family of steps, and their values.

The steps know a destination by this package alone. Whatever is done to many things is one call: a
step asks and changes by set, whether a destination has ten entities or a million. The embedded
store is the first implementation (`harvester.openbis.destination.embedded`).
"""

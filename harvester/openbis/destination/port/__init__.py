"""The ports of a destination: a narrow protocol for each family of steps, and their values.

Steps know a destination by this package alone. Each call works on a set: a step asks and changes by
set, whether a destination has ten entities or a million. The embedded store is the first
implementation (`harvester.openbis.destination.embedded`).
"""

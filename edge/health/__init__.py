"""How the machine under it all does: heat, power, disk, memory, clock, versions.

vitals.py    everything of one moment
throttle.py  what a Raspberry Pi says of its power and its speed
disk.py      free space, and what ours takes
clock.py     whether the wall clock is right
versions.py  what runs here
warnings.py  what a person should do something about
"""

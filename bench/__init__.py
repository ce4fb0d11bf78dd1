"""``make bench``: what the server promises about speed, memory and recovery, measured."""

"""Changes of people, projects and keys: permission, change, audit and hint in one place each.

Each takes the actor as ``by``; without one it is a process of this server, which may all.
"""

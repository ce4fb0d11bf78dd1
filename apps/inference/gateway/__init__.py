"""The web side of the data plane: raw ASGI, no ORM, no Django middleware on a request's way.

``app``        life, probes, lists of models
``routes``     which requests are answered here, and which by Django
``endpoints``  one function per route
``http``       reading bodies within bounds, writing answers and event streams
``auth``       callers from memory: keys, logins, OAuth's tokens
``catalog``    which models there are, from memory
``cards``      models as OpenAI's and Xinference's clients read them
``database``   asking the database, off a request's way
``demand``     what the control plane is told about requests: how many
``fleet``      which replicas live, from their beats
``hub``        every running request of this process; owner of its fate
``kept``       something of the database that is held in memory, as fresh as can be told
``leftovers``  what lies in the broker and nobody waits for
``memory``     callers and models together: looked for once more when missing
``named``      requests by their callers' names, through any web process
``probes``     routes for machines that watch: health, status, metrics
``requests``   routes about them: progress, abort
``revoking``   what runs on a credential ends with it
``ticket``     one request: what arrived for it, what was shown, where it runs
``used``       when keys were last used
``waiting``    those whose model is not there: it is asked for, and they are told how it goes
"""

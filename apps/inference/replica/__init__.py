"""The replica worker: pulls requests from its model's queue, supervises one engine process.

No Django and no database here; it needs the broker only.

``worker``   the process: Celery in the main thread, the core's event loop in another
``core``     what a replica does with requests, and with an engine that dies
``adapters`` LoRAs: which there shall be, and which the engine has
``engine``   one engine process: start, frames, watchdog, end
``outbox``   frames to web processes: numbered, kept for a while, sent again on demand
``pool``     Celery's threads pool, told when a slot is free
``probe``    is the engine able to give a token?
``spec``     what a replica is told, and what it tells of its model
"""

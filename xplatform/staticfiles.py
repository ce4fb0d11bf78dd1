"""Files of the console, the admin and the API pages, served by the web processes themselves."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from xplatform import console


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise streams files from a synchronous iterator, which Django under ASGI reads whole
    anyway, with a warning each time. They are small: send them whole.

    It is synchronous itself, so with it in the way every request would hold a thread, also one
    that waits on the event loop: asynchronous views go around it."""

    async_capable = True

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if console.ASSETS.is_dir():
            self.add_files(str(console.ASSETS), prefix=console.BASE + "assets/")
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if not iscoroutinefunction(self):
            return super().__call__(request)
        file = self.files.get(request.path_info)
        return self.get_response(request) if file is None else self._later(file, request)

    async def _later(self, file: Any, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.serve)(file, request)

    def immutable_file_test(self, path: str, url: str) -> bool:
        """The console's build names each file by its content."""
        return url.startswith(console.BASE) or bool(super().immutable_file_test(path, url))

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponseBase:
        streamed: Any = WhiteNoiseMiddleware.serve(static_file, request)
        if not streamed.streaming:
            return streamed  # type: ignore[no-any-return]
        content = b"".join(streamed.streaming_content)
        streamed.close()
        whole = HttpResponse(content, status=streamed.status_code)
        for name, value in streamed.items():
            whole[name] = value
        return whole

"""``/ui/…``: one page for every address in the console; its script reads the rest."""

from __future__ import annotations

from functools import lru_cache

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView, View

from xplatform import console
from xplatform.pages import HEADER, csp_nonce, policy

#: what the build leaves for the nonce of each answer
_PLACE = "__CSP_NONCE__"
#: where files are. One that is not there is no page of the console; anywhere else a dot is part of
#: a model's name, as in qwen2.5.
_FILES = "assets/"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return redirect("console" if console.is_built() else "docs")


class Page(View):
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, path: str = "") -> HttpResponse:
        if path.startswith(_FILES):
            return HttpResponseNotFound("No such file.\n", content_type="text/plain")
        if not console.is_built():
            return render(request, "console/not_built.html", status=404)
        nonce = str(csp_nonce(request)["csp_nonce"])
        response = HttpResponse(_index(console.INDEX.stat().st_mtime_ns).replace(_PLACE, nonce))
        # It names files by their content's hash: looked at anew each time, it is never out of date.
        response["Cache-Control"] = "no-cache"
        response[HEADER] = policy(nonce, media=True)
        return response


class Bare(RedirectView):
    """Without the stroke at its end."""

    http_method_names = ["get", "head"]
    pattern_name = "console"
    query_string = True


@lru_cache(maxsize=1)
def _index(changed: int) -> str:
    return console.INDEX.read_text(encoding="utf-8")

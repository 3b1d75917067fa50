"""A network that plays what it is told, for tests of what fetches."""

from __future__ import annotations

import io
from typing import Any
from urllib.error import HTTPError

URL = "https://vendor.example/tool-1.tar.gz"
MIRROR = "https://mirror.example"


class Answer(io.BytesIO):
    def __init__(self, content: bytes, promised: int | None = None) -> None:
        super().__init__(content)
        self.headers = {"Content-Length": str(len(content) if promised is None else promised)}


class Network:
    """Plays a list of answers for each URL, and counts the questions."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, []

    def __call__(self, url: str) -> Answer:
        self.asked.append(url)
        queue = self.answers["mirror" if url.startswith(MIRROR) else "vendor"]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Answer) else Answer(answer)


def missing() -> HTTPError:
    return HTTPError(URL, 404, "Not Found", None, None)  # type: ignore[arg-type]

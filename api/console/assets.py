"""What the page is made of: scripts, style and catalogues, held in memory and cached for good.

An address carries the digest of all files (`/static/console/<version>/app.js`), so a browser may
keep what it has for ever, and never mixes the scripts of two releases.
"""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi.responses import Response

HERE = Path(__file__).parent
FOLDERS = (HERE / "static", HERE / "catalogues")
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    "": "text/plain; charset=utf-8",
}
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file as it goes out."""

    body: bytes
    zipped: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """All files by their path; `version` changes when any of them does."""

    version: str
    asset_by_path: Mapping[str, Asset]

    @classmethod
    def load(cls) -> "Assets":
        assets = dict(sorted(_read()))
        digest = hashlib.sha256()
        for path, asset in assets.items():
            digest.update(f"{path} {asset.etag}\n".encode())
        return cls(version=digest.hexdigest()[:16], asset_by_path=assets)

    def answer(self, path: str, accept_encoding: str, if_none_match: str | None) -> Response:
        """The file at `path`, which may begin with the version; 404 for anything else."""
        bare = path.removeprefix(f"{self.version}/")
        asset = self.asset_by_path.get(bare)
        if asset is None:
            return Response("no such file\n", 404, media_type="text/plain")
        headers = {
            "etag": asset.etag,
            "cache-control": ASK_AGAIN if bare == path else FOR_EVER,
            "vary": "accept-encoding",
        }
        if is_known(asset.etag, if_none_match):
            return Response(None, 304, headers)
        body = asset.body
        if "gzip" in accept_encoding and len(asset.zipped) < len(asset.body):
            headers["content-encoding"], body = "gzip", asset.zipped
        return Response(body, 200, headers, media_type=asset.media_type)


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the browser says that it has what `etag` names."""
    if if_none_match is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in known or "*" in known


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _read() -> Iterator[tuple[str, Asset]]:
    for folder in FOLDERS:
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix in MEDIA_TYPES:
                body = path.read_bytes()
                yield (
                    path.relative_to(folder).as_posix(),
                    Asset(
                        body=body,
                        zipped=gzip.compress(body, mtime=0),
                        media_type=MEDIA_TYPES[path.suffix],
                        etag=etag_of(body),
                    ),
                )

"""The bill of materials: which packages, in which versions, from which bytes."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timezone

from builder.debian import Package


def spdx(packages: Sequence[Package], digest: str, time: int) -> dict[str, object]:
    """An SPDX 2.3 document of the image."""
    image = {
        "SPDXID": "SPDXRef-image",
        "name": "skerry-sandbox",
        "versionInfo": f"sha256:{digest}",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
    }
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "skerry-sandbox",
        "documentNamespace": f"urn:skerry:sandbox:{digest}",
        "creationInfo": {
            "created": datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: skerry-sandbox-image"],
        },
        "packages": [image, *map(_package, packages)],
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image"),
            *(_relation("SPDXRef-image", "CONTAINS", _id(package)) for package in packages),
        ],
    }


def _relation(element: str, kind: str, related: str) -> dict[str, str]:
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}


def _package(package: Package) -> dict[str, object]:
    return {
        "SPDXID": _id(package),
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "supplier": "Organization: Debian",
        "checksums": [{"algorithm": "SHA256", "checksumValue": package.sha256}],
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:deb/debian/{package.name}@{package.version}?arch={package.architecture}",
            }
        ],
    }


def _id(package: Package) -> str:
    return "SPDXRef-" + hashlib.sha256(f"{package.name}={package.version}".encode()).hexdigest()[:16]

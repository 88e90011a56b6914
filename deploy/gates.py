#!/usr/bin/env python3
"""What must hold of a build before it may be given away. Reads the finished files only.

Every gate is tried, and all that fail are named. `tests/builds.rs` shows each of them refusing something.

    deploy/gates.py DIR        e.g. target/dist/aarch64
"""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

# Old vendor images have little flash, and pages of code are most of the memory that the agent takes (docs/PERFORMANCE.md).
MAX_BYTES = 15_000_000
# That of CentOS 7; the oldest vendor images seen on gateways have 2.19.
MAX_GLIBC = (2, 17)
# A working agent calls more than 2 MB of code; what deploy/order.ld does not find of it is scattered.
MIN_USED = 1_000_000
# Parts of glibc. Anything else would have to be installed on the gateway first.
LIBRARIES = re.compile(r"(libc|libm|libpthread|libdl|librt|ld-linux(-x86-64|-aarch64|-armhf)?)\.so\.\d+")


def readelf(*args: str) -> str:
    return subprocess.run(["readelf", "--wide", *args], capture_output=True, text=True, check=True).stdout


def binary(file: Path) -> list[str]:
    found = []
    size = file.stat().st_size
    if size > MAX_BYTES:
        found.append(f"{file} has {size} bytes, at most {MAX_BYTES} are allowed: see what grew with `nm --size-sort` on what deploy/build --symbols makes")
    needs = re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("--dynamic", str(file)))
    strange = [name for name in needs if not LIBRARIES.fullmatch(name)]
    if strange:
        found.append(f"{file} needs {', '.join(strange)}, which a bare gateway does not have")
    versions = {tuple(map(int, v.split("."))) for v in re.findall(r"Name: GLIBC_(\d+(?:\.\d+)+)", readelf("--version-info", str(file)))}
    if not needs or not versions:
        found.append(f"{file} names no library or no version of glibc: not the kind of binary that these gates can judge")
    new = sorted(v for v in versions if v[:2] > MAX_GLIBC)
    if new:
        found.append(f"{file} needs glibc {'.'.join(map(str, new[-1]))}, at most {'.'.join(map(str, MAX_GLIBC))} is allowed: build it with deploy/build")
    used = re.search(r" \.text\.used +PROGBITS +\w+ \w+ (\w+)", readelf("--sections", str(file)))
    if not used or int(used[1], 16) < MIN_USED:
        found.append(f"{file}: deploy/order.ld fits {int(used[1], 16) if used else 0} bytes of it only, so it will take more memory than it must: write it anew with deploy/order.py")
    if ".symtab" in readelf("--sections", str(file)):
        found.append(f"{file} is not stripped")
    return found


def papers(folder: Path) -> list[str]:
    """The bill is whole in itself, and each of its entries has its licence in the other file."""
    found = []
    bill = json.loads((folder / "cloudward.cdx.json").read_text())
    licences = (folder / "THIRD-PARTY-LICENSES.txt").read_text()
    listed = set(re.findall(r"^(\S+ \S+): \S", licences, re.MULTILINE))
    with_text = {n for line in re.findall(r"^Licence text of: (.+)$", licences, re.MULTILINE) for n in line.split(", ")}
    if not bill["components"]:
        found.append("the bill of materials is empty")
    refs = {c["bom-ref"] for c in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    for c in bill["components"]:
        name = f"{c['name']} {c['version']}"
        if name not in listed or name not in with_text:
            found.append(f"{name} has no licence text in THIRD-PARTY-LICENSES.txt")
        if not c["licenses"][0].get("expression"):
            found.append(f"{name} has no licence in the bill of materials")
    for dependency in bill["dependencies"]:
        lost = {dependency["ref"], *dependency["dependsOn"]} - refs
        if lost:
            found.append(f"the bill of materials depends on {', '.join(sorted(lost))}, which it does not list")
    return found


def sums(folder: Path) -> list[str]:
    lines = (line.split() for line in (folder / "SHA256SUMS").read_text().splitlines())
    written = {name.lstrip("*"): digest for digest, name in lines}
    there = {f.name for f in folder.iterdir()} - {"SHA256SUMS"}
    found = [f"{name} is not in SHA256SUMS" for name in sorted(there - set(written))]
    for name, digest in written.items():
        if not (folder / name).exists() or hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            found.append(f"{name} is not the file that SHA256SUMS tells of")
    return found


def main(name: str) -> None:
    folder = Path(name)
    found = binary(folder / "cloudward") + papers(folder) + sums(folder)
    for line in found:
        print(f"gates: {line}", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

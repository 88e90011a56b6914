#!/usr/bin/env python3
"""The papers of a build: a bill of materials (CycloneDX 1.6) and the licences of what others wrote.

Owns: cloudward.cdx.json and THIRD-PARTY-LICENSES.txt. What is in the binary is asked of cargo, for the target and the features
of the build; where it comes from and under which licence stands in the packages themselves. Both files depend on nothing
else: the same sources give the same bytes.

The rule: a package without a licence text is an error, never an omission.

    deploy/papers.py TRIPLE FEATURES DIR        e.g. aarch64-unknown-linux-gnu opcua target/dist/aarch64
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import uuid
from datetime import datetime, timezone
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|copyright|unlicense)", re.IGNORECASE)
# Packages that name one of these and bring no text of it.
STANDARD_TEXTS = ["Apache-2.0", "MPL-2.0"]


def cargo(*args: str) -> str:
    done = subprocess.run(["cargo", *args], cwd=HOUSE, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"papers: cargo {args[0]} failed; see above")
    return done.stdout


def tree(triple: str, features: str, edges: str) -> set[tuple[str, str]]:
    """Name and version of every package that the build takes in."""
    args = ["tree", "--locked", "--target", triple, "--no-default-features", "--features", features]
    lines = cargo(*args, "--edges", edges, "--prefix", "none", "--format", "{p}").splitlines()
    pairs = (line.split()[:2] for line in lines if line.strip())
    return {(name, version.removeprefix("v")) for name, version in pairs}


class Package:
    """One entry of the papers."""

    def __init__(self, name, version, licence, source, texts, purl, checksum=None, of_the_build_only=False):
        self.name, self.version, self.source, self.purl = name, version, source, purl
        # Old manifests separate alternatives with a slash.
        self.licence = licence.replace("/", " OR ") if licence else None
        self.texts, self.checksum, self.of_the_build_only = texts, checksum, of_the_build_only

    def component(self) -> dict:
        found = {
            "type": "library",
            "bom-ref": self.purl,
            "name": self.name,
            "version": self.version,
            "scope": "excluded" if self.of_the_build_only else "required",
            "purl": self.purl,
            "licenses": [{"expression": self.licence}],
        }
        if self.checksum:
            found["hashes"] = [{"alg": "SHA-256", "content": self.checksum}]
        if self.source:
            found["externalReferences"] = [{"type": "distribution", "url": self.source}]
        return found


def texts_in(folder: Path) -> list[str]:
    """The licence files of a folder, and of a folder of licences in it."""
    files = sorted(f for f in folder.iterdir() if LICENCE_FILE.match(f.name))
    files = [g for f in files for g in (sorted(f.iterdir()) if f.is_dir() else [f])]
    return [f.read_text(encoding="utf-8", errors="replace") for f in files if f.is_file() and f.suffix != ".rs"]


def standard_texts(licence: str) -> list[str]:
    return [(HOUSE / f"deploy/licenses/{name}.txt").read_text() for name in STANDARD_TEXTS if name in (licence or "")]


def crates(metadata: dict, triple: str, features: str) -> list[Package]:
    """Every crate of the build but our own."""
    linked = tree(triple, features, "normal,no-proc-macro")
    checksums = {
        (p["name"], p["version"]): p.get("checksum") for p in tomllib.loads((HOUSE / "Cargo.lock").read_text())["package"]
    }
    by_name = {(p["name"], p["version"]): p for p in metadata["packages"]}
    found = []
    for key in sorted(tree(triple, features, "normal")):
        if key[0] == "cloudward":
            continue
        package, (name, version) = by_name[key], key
        texts = texts_in(Path(package["manifest_path"]).parent) or standard_texts(package["license"])
        source = f"https://crates.io/api/v1/crates/{name}/{version}/download"
        purl = f"pkg:cargo/{name}@{version}"
        found.append(Package(name, version, package["license"], source, texts, purl, checksums[key], key not in linked))
    return found


def native(metadata: dict, linked: set[str]) -> list[Package]:
    """What is in the binary and no crate of its own: C sources that crates bring, and the runtime of the toolchain."""
    folders = {p["name"]: Path(p["manifest_path"]).parent for p in metadata["packages"]}
    found = []
    if "libsqlite3-sys" in linked:
        head = (folders["libsqlite3-sys"] / "sqlite3/sqlite3.h").read_text()
        version = re.search(r'#define SQLITE_VERSION +"([^"]+)"', head)[1]
        # SQLite has no licence; its head says so in a comment of its own kind.
        blessing = head[: head.index("*******")].replace("/*\n", "").replace("**", "")
        found.append(Package("sqlite", version, "blessing", "https://www.sqlite.org", [blessing], f"pkg:generic/sqlite@{version}"))
    if "zstd-sys" in linked:
        # Of its two licences we take the one of these; the other, GPL-2.0, lies beside it.
        text = (folders["zstd-sys"] / "zstd/LICENSE").read_text()
        version = folders["zstd-sys"].name.rsplit("zstd.", 1)[1]
        source = "https://github.com/facebook/zstd"
        found.append(Package("zstd", version, "BSD-3-Clause", source, [text], f"pkg:generic/zstd@{version}"))
    verbose = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    rust = re.search(r"release: (\S+)", verbose)[1]
    root = Path(subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip())
    licences = root / "share/doc/rust/licenses"
    texts = [(licences / f"{name}.txt").read_text() for name in ["MIT", "Apache-2.0"] if (licences / f"{name}.txt").exists()]
    found.append(
        Package("rust-std", rust, "MIT OR Apache-2.0", "https://github.com/rust-lang/rust", texts, f"pkg:generic/rust-std@{rust}")
    )
    zig = os.environ.get("CLOUDWARD_ZIG")  # the folder of the package; deploy/build says it
    if zig:
        text = (Path(zig) / "lib/libunwind/LICENSE.TXT").read_text()
        version = subprocess.run([f"{zig}/zig", "version"], capture_output=True, text=True, check=True).stdout.strip()
        for name in ["libunwind", "compiler-rt"]:  # instead of libgcc
            purl = f"pkg:generic/{name}@{version}?distributor=zig"
            licence = "Apache-2.0 WITH LLVM-exception" if name == "libunwind" else "MIT"
            own = [text] if name == "libunwind" else [(Path(zig) / "LICENSE").read_text()]
            found.append(Package(name, version, licence, "https://ziglang.org", own, purl))
    return found


def bill(metadata: dict, packages: list[Package], natives: list[Package], triple: str, features: str) -> dict:
    """The bill of materials as CycloneDX wants it."""
    own = next(p for p in metadata["packages"] if p["name"] == "cloudward")
    root = f"pkg:generic/cloudward@{own['version']}?target={triple}"
    refs = {f"{p.name}@{p.version}": p.purl for p in packages} | {f"cloudward@{own['version']}": root}
    ids = {p["id"]: f"{p['name']}@{p['version']}" for p in metadata["packages"]}
    edges = {}
    for node in metadata["resolve"]["nodes"]:
        if ids[node["id"]] in refs:
            normal = (d["pkg"] for d in node["deps"] if any(k["kind"] is None for k in d["dep_kinds"]))
            edges[refs[ids[node["id"]]]] = sorted({refs[ids[d]] for d in normal if ids[d] in refs})
    edges[root] = sorted(set(edges[root]) | {p.purl for p in natives})
    everything = packages + natives
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    when = datetime.fromtimestamp(int(epoch), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if epoch else None
    content = json.dumps([p.component() for p in everything], sort_keys=True)
    metadata_part = {
        "component": {
            "type": "application",
            "bom-ref": root,
            "name": "cloudward",
            "version": own["version"],
            "licenses": [{"expression": own["license"]}],
            "properties": [
                {"name": "cloudward:target", "value": triple},
                {"name": "cloudward:features", "value": features},
            ],
        }
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root + content)}",
        "version": 1,
        "metadata": ({"timestamp": when} if when else {}) | metadata_part,
        "components": [p.component() for p in everything],
        "dependencies": [{"ref": ref, "dependsOn": edges.get(ref, [])} for ref in [root] + [p.purl for p in everything]],
    }


def licences(packages: list[Package]) -> str:
    """Each text once, under the packages that it belongs to."""
    out = ["cloudward contains the following works of others. Each stands under the licence named beside it; where several are"]
    out += ["named with OR, any one of them may be chosen. Under the address of a package lies its unchanged source.", ""]
    for p in packages:
        use = " (helps to build it, is not in it)" if p.of_the_build_only else ""
        out.append(f"{p.name} {p.version}: {p.licence}{use}\n    {p.source}")
    by_text: dict[str, list[Package]] = {}
    texts: dict[str, str] = {}
    for p in packages:
        for text in p.texts:
            key = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()  # line breaks are no difference
            texts.setdefault(key, text.strip("\r\n"))
            by_text.setdefault(key, []).append(p)
    for key, users in by_text.items():
        names = ", ".join(dict.fromkeys(f"{p.name} {p.version}" for p in users))
        out += ["", "=" * 100, f"Licence text of: {names}", "=" * 100, "", texts[key].replace("\r\n", "\n")]
    return "\n".join(out) + "\n"


def main(triple: str, features: str, folder: str) -> None:
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1"))
    packages = crates(metadata, triple, features)
    natives = native(metadata, {p.name for p in packages})
    bare = [f"{p.name} {p.version} ({p.licence})" for p in packages + natives if not p.licence or not any(t.strip() for t in p.texts)]
    if bare:
        sys.exit("papers: no licence text in " + "; ".join(bare) + ": find it, and put the standard text into deploy/licenses")
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(bill(metadata, packages, natives, triple, features), indent=1)
    (out / "cloudward.cdx.json").write_text(text + "\n")
    (out / "THIRD-PARTY-LICENSES.txt").write_text(licences(packages + natives))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])

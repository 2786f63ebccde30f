"""What PyInstaller does not see in the code: the contract, and the modules that are imported by their names."""

from importlib.resources import files
from pathlib import Path

packages = {name: Path(str(files(name))) for name in ("payt_api", "payt_resources")}
datas = [(str(packages["payt_api"] / "openapi.json"), "payt_api")]
hiddenimports = [
    ".".join((name, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
    for name, folder in packages.items()
    for path in sorted(folder.rglob("*.py"))
]

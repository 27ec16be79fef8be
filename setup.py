"""Everything about the package is in setup.cfg; this only takes ``bundles/`` into the wheel, as ``lungdet/bundles``."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithBundles(build_py):
    """Copy the MONAI bundles beside the modules; an editable install reads them from the checkout instead."""

    def run(self) -> None:
        """Build as usual, then copy."""
        super().run()
        if not self.editable_mode:
            shutil.copytree("bundles", Path(self.build_lib) / "lungdet" / "bundles", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithBundles})

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chains import Files  # noqa: E402


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Files(tmp_path_factory.mktemp("chains"))

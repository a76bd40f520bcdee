"""Pictures that are sent side by side do not take memory side by side."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.unit.test_docs import PROJECT

# Megabytes that a process needs to take sixteen pictures at once. Not `ru_maxrss`: a program starts
# with that of the process that starts it.
MANY = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from opendcim.repository.picture_store import PictureStore

content = sys.stdin.buffer.read()
store = PictureStore(Path(sys.argv[1]), largest=len(content))
store.prepare()
with ThreadPoolExecutor(16) as pool:
    kept = list(pool.map(lambda _: store.add("front.png", content), range(16)))
assert len({each.sha256 for each in kept}) == 1
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_sixteen_large_pictures_at_once_are_decoded_two_at_a_time(tmp_path: Path) -> None:
    picture = BytesIO()
    Image.new("RGB", (5000, 5000), (20, 90, 160)).save(picture, "PNG")
    command = [sys.executable, "-c", MANY, str(tmp_path)]
    done = subprocess.run(
        command, input=picture.getvalue(), stdout=subprocess.PIPE, check=True, cwd=PROJECT
    )
    decoded = 5000 * 5000 * 3 // 1_000_000
    assert 2 * decoded < int(done.stdout) < 6 * decoded

"""Pictures of every page: ``python -m tests.browser.screenshots http://127.0.0.1:5000 FOLDER [PLACE…]``.

The server is one that runs already, such as that of ``tidegate demo``. Each page is taken wide and on a phone, light
and dark; names of pages are those of ``tests.browser.places``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.browser.chromium import chromium
from tests.browser.places import PLACES, Api
from tests.browser.visits import PHONE, WIDE, visit

SCREENS = {"wide": WIDE, "phone": PHONE}


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots")
    parser.add_argument("server", help="its address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("places", nargs="*", default=list(PLACES), metavar="PLACE")
    parser.add_argument("--zone", default="Europe/Berlin")
    parser.add_argument("--screens", nargs="+", choices=SCREENS, default=list(SCREENS))
    parser.add_argument("--colours", nargs="+", choices=("light", "dark"), default=["light", "dark"])
    parser.add_argument("--full", action="store_true", help="the whole page, not only what a screen shows")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    api = Api(options.server)
    addresses = {place: PLACES[place](api) for place in options.places}
    with chromium() as browser:
        for screen in options.screens:
            for colours in options.colours:
                context = browser.new_context(
                    viewport=SCREENS[screen], color_scheme=colours, timezone_id=options.zone
                )
                for place, address in addresses.items():
                    each = visit(context, options.server)
                    each.go(address)
                    each.page.wait_for_timeout(150)
                    file = options.folder / f"{place}-{screen}-{colours}.png"
                    each.page.screenshot(path=file, full_page=options.full)
                    sys.stdout.write(f"{file} {' '.join(each.complaints)}\n")
                    each.page.close()
                context.close()


if __name__ == "__main__":
    main()

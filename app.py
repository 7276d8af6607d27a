"""Starts the composer in the browser: ``python app.py``, with the options of ``composer ui``."""

import sys

from composer.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "ui")
    main()

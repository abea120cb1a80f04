"""``python -m nested_hyperv``: the operator itself."""

import sys

from nested_hyperv.app.main import main

if __name__ == "__main__":
    sys.exit(main())

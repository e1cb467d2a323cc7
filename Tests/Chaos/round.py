"""One round, inside its own namespaces: `round.py FOLDER JSON`, started by the driver,
`__main__.py`."""
import json
import sys
from types import SimpleNamespace

from judge import Verdict, count_without_outcome
from report import tell
from table import Table

HELD, VIOLATED = 0, 3


def main(folder, given):
    table = Table(folder, given)
    table.run(count_without_outcome)
    verdict = Verdict(table)
    with open(f"{folder}/report", "w") as file:
        for line in tell(verdict):
            print(line, flush=True)
            print(line, file=file)
    return VIOLATED if verdict.violations else HELD


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], SimpleNamespace(**json.loads(sys.argv[2]))))
    except KeyboardInterrupt:
        sys.exit(130)

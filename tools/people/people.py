"""Labelled records of people who do not exist, for `laneway-hq evaluate`: who is who is known.

    people.py febrl --seed 1 >FILE.csv            5,000 records and a damaged copy of each, as the data set FEBRL4 was made
    people.py chain --seed 1 --persons 20000      a chain's customers: families, shared and passed-on telephones, moves, marriages

Same seed, same file. `febrl` follows the published model of FEBRL's generator (dsgen: one duplicate per original, at most
two changes in a field and four in a record, kinds of change by field; Christen 2005); names and places are this
program's own, so figures are to be compared with those on FEBRL's files only with care.
"""

import argparse
import csv
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import chain  # noqa: E402
import febrl  # noqa: E402


# What `laneway-hq import` reads of them.
IMPORT = {"rec_id": "customer_id", "given_name": "first_name", "surname": "last_name", "date_of_birth": "birth_date", "street": "street",
          "postcode": "postcode", "city": "city", "phone": "phone", "email": "email"}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", choices=["febrl", "chain"])
    p.add_argument("--seed", type=int, required=True)
    p.add_argument("--persons", type=int, default=5000)
    p.add_argument("--import", dest="as_import", action="store_true", help="a chain's, as `laneway-hq import` reads them")
    args = p.parse_args()
    model = febrl if args.model == "febrl" else chain
    rows = model.records(random.Random(args.seed), args.persons)
    columns = model.COLUMNS
    if args.as_import:
        columns = list(IMPORT.values())
        rows = ({new: r.get(old, "") for old, new in IMPORT.items()} for r in model.for_import(rows))
    out = csv.DictWriter(sys.stdout, columns, lineterminator="\n", extrasaction="ignore")
    out.writeheader()
    out.writerows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Foreign readers of what `cloudward report` writes: JSON Schema, CSV as Excel reads it, xlsx.

    check_report.py schema SCHEMA.json DOCUMENT.json
    check_report.py csv FILE.csv
    check_report.py xlsx FILE.xlsx

Prints what it found as JSON; a document that does not fit its schema ends it with an error."""

import csv
import json
import sys


def main():
    what, *files = sys.argv[1:]
    if what == "schema":
        import jsonschema

        schema, document = (json.load(open(file, encoding="utf-8")) for file in files)
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
        print(json.dumps({"fits": True}))
    elif what == "csv":
        raw = open(files[0], "rb").read()
        rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
        print(json.dumps({"bom": raw.startswith(b"\xef\xbb\xbf"), "rows": rows}))
    else:
        import openpyxl

        book = openpyxl.load_workbook(files[0], read_only=True)
        print(json.dumps({sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}))


main()

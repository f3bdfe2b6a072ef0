#include "hq/base/hq_csv.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

struct reader {
	const char *p, *end;
	struct hq_csv_row *row;
	size_t used; /* of row->text */
	unsigned lines;
};

void hq_csv_open(struct hq_csv *csv, const char *text, size_t len)
{
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	*csv = (struct hq_csv){text, text + len, 1};
}

static bool put(struct reader *r, char c)
{
	if (r->used == HQ_CSV_ROW_MAX) {
		r->row->fault = "the row is too long, expected at most 16 KiB";
		return false;
	}
	r->row->text[r->used++] = c;
	return true;
}

static bool at_line_end(const struct reader *r)
{
	return r->p == r->end || *r->p == '\n' ||
	       (*r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n');
}

/* p stands behind the opening quote; afterwards behind the closing one. */
static bool quoted(struct reader *r)
{
	while (r->p < r->end) {
		if (*r->p == '"') {
			if (r->p + 1 == r->end || r->p[1] != '"') {
				r->p++;
				if (at_line_end(r) || *r->p == ',')
					return true;
				r->row->fault = "text after a closing quote, expected a comma";
				return false;
			}
			r->p++;
		}
		r->lines += *r->p == '\n';
		if (!put(r, *r->p++))
			return false;
	}
	r->row->fault = "a quote that is never closed";
	return false;
}

static bool plain(struct reader *r)
{
	while (!at_line_end(r) && *r->p != ',') {
		if (*r->p == '"') {
			r->row->fault = "a quote inside a cell that does not begin with one";
			return false;
		}
		if (!put(r, *r->p++))
			return false;
	}
	return true;
}

static bool cell(struct reader *r)
{
	size_t start = r->used;
	bool ok;

	if (r->row->count == HQ_CSV_CELLS_MAX) {
		r->row->fault = "too many cells, expected at most 32";
		return false;
	}
	if (r->p < r->end && *r->p == '"') {
		r->p++;
		ok = quoted(r);
	} else {
		ok = plain(r);
	}
	if (!ok)
		return false;
	if (!text_utf8_ok(r->row->text + start, r->used - start)) {
		r->row->fault = "broken text, expected UTF-8";
		return false;
	}
	r->row->cell[r->row->count++] = r->row->text + start;
	return put(r, '\0');
}

/* After a fault the next row begins on the next line: an open quote must not swallow the file. */
static void pass_line(struct hq_csv *csv)
{
	const char *nl = memchr(csv->at, '\n', (size_t)(csv->end - csv->at));

	csv->at = nl ? nl + 1 : csv->end;
	csv->line++;
}

static void pass_empty_lines(struct hq_csv *csv)
{
	while (csv->at < csv->end && (*csv->at == '\n' || *csv->at == '\r')) {
		csv->line += *csv->at == '\n';
		csv->at++;
	}
}

static bool cells(struct reader *r)
{
	if (!cell(r))
		return false;
	while (r->p < r->end && *r->p == ',') {
		r->p++;
		if (!cell(r))
			return false;
	}
	return true;
}

int hq_csv_next(struct hq_csv *csv, struct hq_csv_row *row)
{
	struct reader r = {.row = row};

	pass_empty_lines(csv);
	if (csv->at == csv->end)
		return 0;
	row->line = csv->line;
	row->begin = csv->at;
	row->count = 0;
	row->fault = NULL;
	r.p = csv->at;
	r.end = csv->end;
	if (!cells(&r)) {
		pass_line(csv);
		row->len = (size_t)(csv->at - row->begin);
		return -1;
	}
	if (r.p < r.end)
		r.p += *r.p == '\r' ? 2 : 1;
	csv->at = r.p;
	csv->line += r.lines + 1;
	row->len = (size_t)(csv->at - row->begin);
	return 1;
}

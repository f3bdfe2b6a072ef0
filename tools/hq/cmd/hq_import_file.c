#include "hq/cmd/hq_import_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "hq/base/hq_call.h"
#include "hq/identity/hq_import.h"
#include "hq/identity/hq_rules.h"
#include "hq/serve/hq_control.h"

#define HQ_IMPORT_FILE_ROWS_MAX 500            /* of one piece: a short pause for the running HQ */
#define HQ_IMPORT_FILE_BYTES_MAX (1024 * 1024) /* of one piece */
_Static_assert(HQ_IMPORT_FILE_BYTES_MAX + 2 * HQ_CSV_ROW_MAX < HQ_CONTROL_BODY_MAX, "a piece fits");

struct importing {
	const struct hq_conf *conf;
	struct hq_db *db; /* NULL: through the running HQ */
	struct hq_rules rules;
	struct hq_call *call;
	FILE *out;
	struct hq_import_sums *sums;
	char *err;
	size_t err_size;
	struct buf piece;
	size_t header_len;
	int64_t began_us;
};

static void add_sums(struct importing *im, const struct hq_import_sums *more, const char *problems)
{
	im->sums->made += more->made;
	im->sums->changed += more->changed;
	im->sums->same += more->same;
	im->sums->bad += more->bad;
	fputs(problems, im->out);
}

static int import_here(struct importing *im, unsigned first_line)
{
	struct hq_import_piece piece = {.csv = (const char *)im->piece.data,
	                                .len = im->piece.len,
	                                .first_line = first_line,
	                                .as_of_us = clock_wall_us(clock_system()),
	                                .began_us = im->began_us};
	struct hq_import_report report = {0};
	int rc = hq_import_rows(im->db, &im->rules.scope, &piece, &report);

	buf_byte(&report.problems, '\0');
	if (rc != 0)
		snprintf(im->err, im->err_size, "%s", piece.err);
	else
		add_sums(
		    im,
		    &(struct hq_import_sums){report.made, report.changed, report.same, report.bad},
		    report.problems.failed ? "" : (const char *)report.problems.data);
	hq_import_report_free(&report);
	return rc;
}

static int import_there(struct importing *im, unsigned first_line)
{
	char line[16], began[24];
	const struct hq_call_param params[] = {
	    {"first_line", line}, {"began", began}, {NULL, NULL}};
	struct hq_import_sums more;
	const char *problems = "";
	json_t *answer;
	int rc;

	snprintf(line, sizeof line, "%u", first_line);
	snprintf(began, sizeof began, "%" PRId64, im->began_us);
	answer = hq_call_post(im->call, "/v1/import", params, im->piece.data, im->piece.len,
	                      im->err, im->err_size);
	if (!answer)
		return -1;
	rc = json_unpack(answer, "{s:i,s:i,s:i,s:i,s:s}", "new", (int *)&more.made, "changed",
	                 (int *)&more.changed, "same", (int *)&more.same, "bad", (int *)&more.bad,
	                 "problems", &problems);
	if (rc == 0)
		add_sums(im, &more, problems);
	else
		snprintf(im->err, im->err_size, "the running HQ gave no answer");
	json_decref(answer);
	return rc;
}

static int send_piece(struct importing *im, unsigned first_line)
{
	if (im->piece.failed) {
		snprintf(im->err, im->err_size, "out of memory");
		return -1;
	}
	return im->db ? import_here(im, first_line) : import_there(im, first_line);
}

/* Rows of the next piece, as they stand in the file, empty lines between them included: they are
 * counted. The line of the first one; 0: there are no more rows. */
static unsigned next_piece(struct importing *im, struct hq_csv *csv, struct hq_csv_row *row)
{
	const char *begin = NULL;
	unsigned first = 0;

	im->piece.len = im->header_len;
	for (int rows = 0; rows < HQ_IMPORT_FILE_ROWS_MAX && hq_csv_next(csv, row) != 0; rows++) {
		if (!begin) {
			begin = row->begin;
			first = row->line;
		}
		if (csv->at - begin > HQ_IMPORT_FILE_BYTES_MAX)
			break;
	}
	if (begin)
		buf_add(&im->piece, begin, (size_t)(csv->at - begin));
	return first;
}

/* The header stands in front of every piece; a file of nothing else is still checked. */
static int send_rows(struct importing *im, struct hq_csv *csv, struct hq_csv_row *row)
{
	unsigned first = next_piece(im, csv, row);

	do {
		if (send_piece(im, first) != 0)
			return -1;
		first = next_piece(im, csv, row);
	} while (first != 0);
	return 0;
}

static int send_file(struct importing *im, const char *text, size_t len)
{
	struct hq_csv_row *row = memory_alloc(sizeof *row);
	struct hq_csv csv;
	int rc = -1;

	hq_csv_open(&csv, text, len);
	if (!row) {
		snprintf(im->err, im->err_size, "out of memory");
	} else if (hq_csv_next(&csv, row) != 1) {
		snprintf(im->err, im->err_size,
		         "line 1: no header row, expected one that names the columns");
	} else {
		buf_add(&im->piece, row->begin, row->len);
		im->header_len = im->piece.len;
		rc = send_rows(im, &csv, row);
	}
	free(row);
	return rc;
}

/* 0 and one of db and call set. */
static int open_way(struct importing *im)
{
	bool held;

	if (hq_db_open(&im->db, im->conf->data, &held, im->err, im->err_size) == 0)
		return hq_rules_open(&im->rules, im->db, im->conf, im->err, im->err_size);
	if (!held)
		return -1;
	im->call = hq_call_open(im->conf->socket);
	if (im->call)
		return 0;
	snprintf(im->err, im->err_size, "out of memory");
	return -1;
}

static int map_file(const char *path, char **text, size_t *len, char *err, size_t err_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int rc = -1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size == 0) {
		snprintf(err, err_size, "%s: expected a file with a header row", path);
	} else {
		*len = (size_t)st.st_size;
		*text = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
		rc = *text == MAP_FAILED ? -1 : 0;
		if (rc != 0)
			snprintf(err, err_size, "%s: %s", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int hq_import_file(const struct hq_conf *conf, const char *path, FILE *out,
                   struct hq_import_sums *sums, char *err, size_t err_size)
{
	struct importing im = {.conf = conf,
	                       .out = out,
	                       .sums = sums,
	                       .err = err,
	                       .err_size = err_size,
	                       .began_us = clock_wall_us(clock_system())};
	char *text;
	size_t len;
	int rc = -1;

	if (map_file(path, &text, &len, err, err_size) != 0)
		return -1;
	if (open_way(&im) == 0)
		rc = send_file(&im, text, len);
	hq_call_close(im.call);
	hq_rules_free(&im.rules);
	hq_db_close(im.db);
	buf_free(&im.piece);
	munmap(text, len);
	return rc;
}

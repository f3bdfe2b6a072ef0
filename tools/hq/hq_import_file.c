#include "hq/hq_import_file.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hq/hq_control.h"
#include "hq/hq_import.h"

#define HQ_IMPORT_FILE_ROWS_MAX 500            /* of one piece: a short pause for the running HQ */
#define HQ_IMPORT_FILE_BYTES_MAX (1024 * 1024) /* of one piece */
#define HQ_IMPORT_FILE_ANSWER_MAX (1024 * 1024)
#define HQ_IMPORT_FILE_TIMEOUT_S 60L
_Static_assert(HQ_IMPORT_FILE_BYTES_MAX + 2 * HQ_CSV_ROW_MAX < HQ_CONTROL_BODY_MAX, "a piece fits");

struct importing {
	const struct hq_conf *conf;
	struct hq_db *db; /* NULL: through the running HQ */
	CURL *curl;
	FILE *out;
	struct hq_import_sums *sums;
	char *err;
	size_t err_size;
	struct buf piece, answer;
	size_t header_len;
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
	struct hq_import_piece piece = {
	    .csv = (const char *)im->piece.data, .len = im->piece.len, .first_line = first_line};
	struct hq_import_report report = {0};
	int rc = hq_import_rows(im->db, &im->conf->rules, &piece, &report);

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

static size_t take_answer(char *p, size_t size, size_t n, void *ctx)
{
	struct buf *answer = ctx;

	if (answer->len + size * n > HQ_IMPORT_FILE_ANSWER_MAX)
		return 0;
	buf_add(answer, p, size * n);
	return answer->failed ? 0 : size * n;
}

static int read_answer(struct importing *im)
{
	json_t *root = json_loadb((const char *)im->answer.data, im->answer.len, 0, NULL);
	struct hq_import_sums more;
	const char *problems = "", *message;
	int rc = -1;

	if (root && json_unpack(root, "{s:i,s:i,s:i,s:i,s:s}", "new", (int *)&more.made, "changed",
	                        (int *)&more.changed, "same", (int *)&more.same, "bad",
	                        (int *)&more.bad, "problems", &problems) == 0) {
		add_sums(im, &more, problems);
		rc = 0;
	} else {
		message =
		    json_string_value(json_object_get(json_object_get(root, "error"), "message"));
		snprintf(im->err, im->err_size, "%s",
		         message ? message : "the running HQ gave no answer");
	}
	json_decref(root);
	return rc;
}

static int import_there(struct importing *im, unsigned first_line)
{
	char url[96];
	CURLcode rc;

	snprintf(url, sizeof url, "http://laneway-hq/v1/import?first_line=%u", first_line);
	buf_reset(&im->answer);
	curl_easy_setopt(im->curl, CURLOPT_UNIX_SOCKET_PATH, im->conf->socket);
	curl_easy_setopt(im->curl, CURLOPT_URL, url);
	curl_easy_setopt(im->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)im->piece.len);
	curl_easy_setopt(im->curl, CURLOPT_POSTFIELDS, im->piece.data);
	curl_easy_setopt(im->curl, CURLOPT_TIMEOUT, HQ_IMPORT_FILE_TIMEOUT_S);
	curl_easy_setopt(im->curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(im->curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(im->curl, CURLOPT_WRITEDATA, &im->answer);
	rc = curl_easy_perform(im->curl);
	if (rc == CURLE_OK)
		return read_answer(im);
	snprintf(im->err, im->err_size,
	         "another process has hq.db open, but %s does not answer: %s", im->conf->socket,
	         curl_easy_strerror(rc));
	return -1;
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
	struct hq_csv_row *row = malloc(sizeof *row);
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

/* 0 and one of db and curl set. */
static int open_way(struct importing *im)
{
	bool held;

	if (hq_db_open(&im->db, im->conf->data, &held, im->err, im->err_size) == 0)
		return 0;
	if (!held)
		return -1;
	im->curl = curl_easy_init();
	if (im->curl)
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
	struct importing im = {
	    .conf = conf, .out = out, .sums = sums, .err = err, .err_size = err_size};
	char *text;
	size_t len;
	int rc = -1;

	if (map_file(path, &text, &len, err, err_size) != 0)
		return -1;
	if (open_way(&im) == 0)
		rc = send_file(&im, text, len);
	if (im.curl)
		curl_easy_cleanup(im.curl);
	hq_db_close(im.db);
	buf_free(&im.piece);
	buf_free(&im.answer);
	munmap(text, len);
	return rc;
}

/* `evaluate`: what linking and hints are worth. `duplicates`: whom a steward should look at. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "hq/base/hq_conf.h"
#include "hq/cmd/hq_cmd.h"
#include "hq/cmd/hq_cmd_args.h"
#include "hq/hint/hq_duplicates.h"
#include "hq/hint/hq_evaluate.h"
#include "hq/hint/hq_weights.h"
#include "hq/identity/hq_likely.h"
#include "identity/score_learn.h"
#include "store/db.h"

#define LIST_MAX 200 /* pairs that are listed unless --limit says otherwise */
#define WHAT "laneway-hq duplicates"

static const struct option evaluate_options[] = {
    {"json", no_argument, NULL, 'j'},
    {"curve", required_argument, NULL, 'u'},
    {"region", required_argument, NULL, 'g'},
    {"defaults", no_argument, NULL, 'd'},
    {NULL, 0, NULL, 0},
};

struct text {
	char *bytes;
	size_t len;
};

static int map_text(const char *path, struct text *out, char *err, size_t err_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int rc = -1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(err, err_size, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size == 0) {
		snprintf(err, err_size, "%s: expected a file with a header row", path);
	} else {
		out->len = (size_t)st.st_size;
		out->bytes = mmap(NULL, out->len, PROT_READ, MAP_PRIVATE, fd, 0);
		rc = out->bytes == MAP_FAILED ? -1 : 0;
		if (rc != 0)
			snprintf(err, err_size, "%s: %s", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int open_curve(const char *path, FILE **out, char *err, size_t err_size)
{
	*out = path ? fopen(path, "we") : NULL;
	if (!path || *out)
		return 0;
	snprintf(err, err_size, "%s: %s", path, strerror(errno));
	return -1;
}

static int close_curve(FILE *curve, const char *path, char *err, size_t err_size)
{
	if (!curve || fclose(curve) == 0)
		return 0;
	snprintf(err, err_size, "%s: %s", path, strerror(errno));
	return -1;
}

static int evaluate(const struct hq_cmd_args *a, char *err, size_t err_size)
{
	struct hq_labelled labelled = {0};
	struct ident_rules rules = {0};
	struct hq_evaluate_ask ask = {.defaults = a->defaults, .what = "laneway-hq evaluate"};
	char made[CLOCK_ISO8601_SIZE];
	json_t *answer = NULL;
	struct text text;
	int rc = -1;

	if (map_text(a->word, &text, err, err_size) != 0)
		return -1;
	if (!text_copy(rules.region, sizeof rules.region, a->region ? a->region : ""))
		snprintf(err, err_size, "--region: expected a country's two letters, such as DE");
	else if (hq_labelled_read(text.bytes, text.len, &rules, &labelled, err, err_size) == 0)
		rc = open_curve(a->curve, &ask.curve, err, err_size);
	if (rc == 0) {
		clock_iso8601(clock_wall_us(clock_system()), made);
		ask.made = made;
		answer = hq_evaluate(&labelled, &ask);
		rc = close_curve(ask.curve, a->curve, err, err_size);
		if (!answer)
			snprintf(err, err_size, "out of memory");
	}
	if (answer)
		hq_cmd_args_print(a, answer, hq_evaluate_print);
	hq_labelled_free(&labelled);
	munmap(text.bytes, text.len);
	return answer ? rc : -1;
}

int hq_cmd_evaluate(int argc, char **argv)
{
	char err[HQ_CMD_ERR_SIZE];
	struct hq_cmd_args a;

	if (hq_cmd_args_read(
	        argc, argv,
	        &(struct hq_cmd_form){"jdu:g:", evaluate_options, "the labelled CSV file", NULL},
	        &a) != 0)
		return EXIT_NOT_DONE;
	if (evaluate(&a, err, sizeof err) != 0)
		return hq_cmd_args_fail(&a, err);
	return EXIT_GOOD;
}

static const struct option duplicates_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"since", required_argument, NULL, 'S'},
    {"source", required_argument, NULL, 'o'},
    {"bits", required_argument, NULL, 'b'},
    {"limit", required_argument, NULL, 'l'},
    {"estimate", no_argument, NULL, 'e'},
    {"suggest", no_argument, NULL, 'p'},
    {NULL, 0, NULL, 0},
};

static int read_since(const char *text, int64_t *us, char *err, size_t err_size)
{
	char iso[CLOCK_ISO8601_SIZE];

	*us = 0;
	if (!text || ((size_t)snprintf(iso, sizeof iso, "%sT00:00:00.000Z", text) < sizeof iso &&
	              clock_parse_iso8601(iso, us) == 0))
		return 0;
	snprintf(err, err_size, "--since: expected a date such as 2026-11-20");
	return -1;
}

/* What the command line asks of duplicates. 0, or -1 with a sentence in err. */
static int read_ask(const struct hq_cmd_args *a, struct hq_duplicates_ask *out, char *err,
                    size_t err_size)
{
	int64_t bits = 0;
	uint64_t limit = LIST_MAX;

	*out = (struct hq_duplicates_ask){
	    .mbit_min = SCORE_LIKELY_MBIT, .source = a->source, .what = WHAT};
	if (read_since(a->since, &out->since_us, err, err_size) != 0)
		return -1;
	if (a->bits && !num_i64(a->bits, -30, 60, &bits)) {
		snprintf(err, err_size, "--bits: expected a whole number from -30 to 60");
		return -1;
	}
	if (a->bits)
		out->mbit_min = (int)bits * 1000;
	if (a->limit && !num_u64(a->limit, 0, 10000000, &limit)) {
		snprintf(err, err_size, "--limit: expected a number of pairs up to 10000000");
		return -1;
	}
	out->list_max = limit;
	out->told_max = a->suggest ? HQ_LIKELY_MAX : 0;
	if (!a->suggest || (!a->since && !a->source))
		return 0;
	snprintf(err, err_size,
	         "--suggest takes the place of all that stores may ask about: "
	         "expected neither --since nor --source with it");
	return -1;
}

/* Go on with what is kept: the text rounds, and a list must not change with the next run. */
static int keep(const char *dir, struct score_model **m, char *err, size_t err_size)
{
	int rc = hq_weights_write(dir, *m, err, err_size);

	score_model_free(*m);
	*m = NULL;
	return rc == 0 ? hq_weights_read(dir, m, err, err_size) : -1;
}

/* Weights as kept; learned from the records when there are none yet, or anew when asked to. */
static struct score_model *weights(const struct hq_cmd_args *a, const char *dir, struct hq_units *u,
                                   json_t **told, char *err, size_t err_size)
{
	struct score_learn_report report = {.converged = true};
	struct score_model *m = NULL;
	char made[CLOCK_ISO8601_SIZE];

	if (!a->estimate && hq_weights_read(dir, &m, err, err_size) != 0)
		return NULL;
	if (!m) {
		clock_iso8601(clock_wall_us(clock_system()), made);
		m = hq_pairs_learn(u->people, made, WHAT, &report);
		if (m && a->estimate && keep(dir, &m, err, err_size) != 0)
			return NULL;
	}
	if (!m && a->estimate) {
		snprintf(err, err_size,
		         "--estimate: %zu records, expected at least %d to learn from", u->count,
		         SCORE_RECORDS_MIN);
		return NULL;
	}
	if (!m)
		m = score_model_defaults();
	snprintf(err, err_size, "out of memory");
	*told = m ? json_pack("{s:s,s:s,s:I,s:b}", "version", score_model_version(m), "made",
	                      score_model_made(m), "records", (json_int_t)score_model_records(m),
	                      "converged", report.converged)
	          : NULL;
	return m;
}

static double seconds(void)
{
	return (double)clock_mono_us(clock_system()) / 1e6;
}

static json_t *duplicates(const struct hq_cmd_args *a, const char *dir, struct sqlite3 *db,
                          char *err, size_t err_size)
{
	struct hq_duplicates_ask ask;
	struct hq_units units = {0};
	struct score_model *m = NULL;
	json_t *told = NULL, *answer = NULL;
	double at[4] = {seconds()};

	if (read_ask(a, &ask, err, err_size) != 0)
		return NULL;
	snprintf(err, err_size, "hq.db could not be read");
	if (hq_units_load(db, WHAT, &units) == 0) {
		at[1] = seconds();
		m = weights(a, dir, &units, &told, err, err_size);
		at[2] = seconds();
	}
	if (m) {
		ask.model = m;
		answer = hq_duplicates(db, &units, &ask);
		at[3] = seconds();
	}
	if (answer) {
		json_object_set(answer, "weights", told);
		json_object_set_new(answer, "seconds",
		                    json_pack("{s:f,s:f,s:f}", "read", at[1] - at[0], "weights",
		                              at[2] - at[1], "compare", at[3] - at[2]));
	}
	json_decref(told);
	score_model_free(m);
	hq_units_free(&units);
	return answer;
}

/* Stores are told of the pairs: "suggested" becomes what that came to. */
static int suggest(const struct hq_conf *conf, json_t *answer, char *err, size_t err_size)
{
	json_t *pairs = json_object_get(answer, "pairs_told"), *ask, *done = NULL;

	if (!pairs)
		return 0;
	ask = json_pack("{s:O}", "pairs", pairs);
	snprintf(err, err_size, "out of memory");
	if (ask)
		done = hq_likely_call(conf, ask, err, err_size);
	json_decref(ask);
	json_object_del(answer, "pairs_told");
	return done ? json_object_set_new(answer, "suggested", done) : -1;
}

int hq_cmd_duplicates(int argc, char **argv)
{
	char err[HQ_CMD_ERR_SIZE];
	struct hq_cmd_args a;
	struct hq_conf *conf;
	struct sqlite3 *db;
	json_t *answer = NULL;

	if (hq_cmd_args_read(argc, argv,
	                     &(struct hq_cmd_form){"c:jS:o:b:l:ep", duplicates_options, NULL, NULL},
	                     &a) != 0)
		return EXIT_NOT_DONE;
	conf = hq_cmd_args_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	db = hq_cmd_args_reader(&a, conf);
	if (db) {
		answer = duplicates(&a, conf->data, db, err, sizeof err);
		if (answer && suggest(conf, answer, err, sizeof err) != 0) {
			json_decref(answer);
			answer = NULL;
		}
		if (!answer)
			hq_cmd_args_fail(&a, err);
		db_close_reader(db);
	}
	hq_conf_free(conf);
	if (!answer)
		return EXIT_NOT_DONE;
	hq_cmd_args_print(&a, answer, hq_duplicates_print);
	return EXIT_GOOD;
}
